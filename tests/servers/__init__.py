"""Servers as a person has them: a real sshd and a real JupyterLab in a network of their own."""
