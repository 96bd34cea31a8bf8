"""The steps, one file each: how a step finds, makes and undoes its product."""
