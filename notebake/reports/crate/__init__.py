"""A recorded run as a Provenance Run Crate (RO-Crate): provenance that others can read."""
