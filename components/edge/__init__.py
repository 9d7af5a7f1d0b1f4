"""Where the outside comes in: load balancer, web firewall, names and certificates."""
