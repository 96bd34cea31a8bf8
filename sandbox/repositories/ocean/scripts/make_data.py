"""Draw a year of chlorophyll, temperature and wind off Oregon from a seeded model.

Usage: python scripts/make_data.py data/chlorophyll.nc
"""

import sys

import numpy as np
import xarray as xr

SEED = 20230421
DAYS = np.arange("2023-01-01", "2024-01-01", dtype="datetime64[D]")
LATITUDES = np.round(np.arange(41.5, 46.51, 0.1), 1)
DAY = np.arange(len(DAYS), dtype=float)[:, None]
NORTH = (LATITUDES - LATITUDES[0])[None, :]


def bell(position, centre, width):
    """Return a bell curve of height one."""
    return np.exp(-0.5 * ((position - centre) / width) ** 2)


def weather(rng, memory_days):
    """Return unit noise with a memory in time and a smooth change from south to north."""
    knots = rng.normal(size=(len(DAYS), 4))
    keep = np.exp(-1 / memory_days)
    for today in range(1, len(knots)):
        knots[today] = keep * knots[today - 1] + np.sqrt(1 - keep**2) * knots[today]
    positions = np.linspace(LATITUDES[0], LATITUDES[-1], knots.shape[1])
    return np.array([np.interp(LATITUDES, positions, row) for row in knots])


def wind_stress(rng):
    """Return stress along the shore in N/m2; below zero it blows from the north."""
    summer = bell(DAY, 195 + 4 * NORTH, 48)
    mean = 0.045 - (0.125 - 0.010 * NORTH) * summer
    return mean + weather(rng, 3.0) * (0.075 - 0.030 * summer)


def upwelling(stress):
    """Return the memory of nine days of wind from the north, in N/m2."""
    total = np.zeros_like(stress)
    keep = np.exp(-1 / 9.0)
    for today in range(1, len(stress)):
        total[today] = keep * total[today - 1] + (1 - keep) * np.maximum(-stress[today - 1], 0)
    return total


def chlorophyll(rng, lifted):
    """Return chlorophyll in mg/m3: blooms, upwelling and the plume, with patches."""
    light = 0.12 + 0.88 * bell(DAY, 172, 62)
    spring = 5.2 * bell(DAY, 103 + 5.5 * NORTH, 11) * (0.75 + 0.25 * np.cos(NORTH * 1.7))
    autumn = 2.1 * bell(DAY, 271 - 2 * NORTH, 12)
    plume = 4.0 * bell(LATITUDES[None, :], 46.2, 0.28) * bell(DAY, 155, 30)
    bank = 1.0 + 0.7 * bell(LATITUDES[None, :], 44.2, 0.45)
    calm = 0.35 + spring + autumn + plume + 62 * lifted * light * bank
    return calm * np.exp(0.24 * weather(rng, 5.0) + 0.10 * rng.normal(size=calm.shape))


def temperature(rng, lifted):
    """Return the surface temperature in degrees Celsius."""
    season = 12.1 - 0.22 * NORTH + 4.3 * bell(DAY, 225, 55)
    return season - 38 * lifted + 0.35 * weather(rng, 8.0)


def describe(values, digits, units, long_name):
    """Return one variable with its name and unit."""
    attributes = {"units": units, "long_name": long_name}
    return ("time", "latitude"), np.round(values, digits).astype("float32"), attributes


def make_dataset():
    """Return the whole year."""
    rng = np.random.default_rng(SEED)
    stress = wind_stress(rng)
    lifted = upwelling(stress)
    return xr.Dataset(
        {
            "chlorophyll": describe(
                chlorophyll(rng, lifted), 2, "mg m-3", "Surface chlorophyll-a concentration"
            ),
            "temperature": describe(
                temperature(rng, lifted), 2, "degree_Celsius", "Sea surface temperature"
            ),
            "wind_stress": describe(stress, 3, "N m-2", "Northward wind stress"),
        },
        coords={
            "time": ("time", DAYS.astype("datetime64[ns]"), {"long_name": "Time"}),
            "latitude": (
                "latitude",
                LATITUDES,
                {"units": "degrees_north", "long_name": "Latitude"},
            ),
        },
        attrs={
            "Conventions": "CF-1.8",
            "title": "A year of chlorophyll off Oregon",
            "source": "synthetic: scripts/make_data.py",
            "license": "CC0-1.0",
        },
    )


if __name__ == "__main__":
    packed = {"zlib": True, "complevel": 9, "shuffle": True}
    whole = make_dataset()
    encoding = {name: packed for name in whole.data_vars}
    encoding["time"] = {"units": "days since 2023-01-01", "dtype": "int32"}
    whole.to_netcdf(sys.argv[1], engine="netcdf4", encoding=encoding)
