"""What the deployment scripts share: settings, fragments, plans, grants."""
