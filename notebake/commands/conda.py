"""Miniforge and an environment from conda-forge; Anaconda's own channels are never asked.

They want their terms to be accepted, which nobody can do for somebody else.
"""

from notebake.commands.shell import variables

MINIFORGE_VERSION = "26.3.2-3"
MINIFORGE_URL = "https://github.com/conda-forge/miniforge/releases/download"
MINIFORGE_SHA256 = {
    "x86_64": "848194851a98903134187fbb4ab50efe87b003e0c0f808f97644b7524a62bf2c",
    "aarch64": "2c113a69297e612b01ca0f320c22a3107a11f2ab9b573d79ac868a175945ce29",
}


def miniforge() -> str:
    """Return the user's commands that install Miniforge to `$root/conda`, checked by hash."""
    return (
        variables(
            miniforge_version=MINIFORGE_VERSION,
            miniforge_url=MINIFORGE_URL,
            miniforge_x86_64=MINIFORGE_SHA256["x86_64"],
            miniforge_aarch64=MINIFORGE_SHA256["aarch64"],
        )
        + INSTALL_MINIFORGE
    )


INSTALL_MINIFORGE = r"""
conda=$root/conda/bin/conda
if [ "$(cat "$root/conda/.notebake-version" 2> /dev/null)" != "$miniforge_version" ]; then
    case $(uname --machine) in
        x86_64) sha256=$miniforge_x86_64 ;;
        aarch64) sha256=$miniforge_aarch64 ;;
        *) echo "There is no Miniforge for $(uname --machine)" >&2; exit 1 ;;
    esac
    name=Miniforge3-$miniforge_version-Linux-$(uname --machine).sh
    echo "conda: fetching $name"
    reach "Miniforge's downloads" all "$miniforge_url"
    rm --recursive --force "$root/conda"
    curl --fail --location --silent --show-error --connect-timeout 30 --retry 5 --retry-all-errors \
        --output "$root/$name" "$miniforge_url/$miniforge_version/$name"
    echo "$sha256  $root/$name" | sha256sum --check --quiet -
    bash "$root/$name" -b -p "$root/conda" > /dev/null
    rm "$root/$name"
    echo "$miniforge_version" > "$root/conda/.notebake-version"
fi
# default_channels: also "defaults" in an environment file then means nothing but conda-forge.
printf '%s\n' 'channels: [conda-forge]' 'default_channels: [conda-forge]' \
    'channel_priority: strict' 'auto_update_conda: false' 'notify_outdated_conda: false' \
    > "$root/conda/.condarc"
"""

BUILD_WITH_CONDA = r"""
rm --recursive --force "$root/python"
verb=create
if [ -s "$requirements" ]; then
    echo "conda: building the environment from the file"
    "$conda" env create --quiet --yes --prefix "$root/python" --file "$requirements"
    verb=install
fi
echo "conda: $(echo "$packages" | wc --lines) packages, with all that they need"
printf '%s\n' "$packages" > "$root/packages.txt"
"$conda" "$verb" --quiet --yes --override-channels --channel conda-forge \
    --strict-channel-priority --prefix "$root/python" --file "$root/packages.txt"
rm "$root/packages.txt"
if [ -n "$pip" ]; then
    "$uv" pip install --python "$root/python/bin/python" --requirements <(printf '%s\n' "$pip")
fi
"$conda" clean --quiet --yes --tarballs --index-cache
"""

LOCK_CONDA = r"""
conda=$root/conda/bin/conda
explicit() { "$conda" list --prefix "$root/python" --explicit "$1"; }
{ explicit --sha256 2> /dev/null || explicit --md5; } | keep conda-explicit.txt
"$conda" env export --prefix "$root/python" | keep environment.yml
"""
