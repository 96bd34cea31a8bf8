"""conda environments. What runs on the host goes along as text and imports nothing but itself."""
