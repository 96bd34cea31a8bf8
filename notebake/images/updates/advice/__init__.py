"""Known vulnerabilities in an image's packages, by programs that know: advice, never a cause."""
