"""JupyterLab, asked as a person's browser would ask it."""
