"""What the owner of a firm sees of it: activity, response times, mandates used, savings."""
