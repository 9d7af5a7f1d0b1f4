"""Where containers run: repositories, clusters, services and the router of their logs."""
