"""What runs beside the requests: timers, and the sign of life by which outages are measured."""
