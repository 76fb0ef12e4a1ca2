"""What product pages are given of the availability by store: JSON, an HTML fragment, and a script that shows it."""
