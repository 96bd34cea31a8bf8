"""JupyterLab, checked the way a browser uses it."""
