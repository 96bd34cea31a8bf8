"""The EC2 API as strict as EC2: what exists in each region, and what each call does to it."""
