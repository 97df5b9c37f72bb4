"""What a deployment script says, without a stack trace, when it cannot go on."""


class DeploymentError(Exception):
    """Says in one sentence what is wrong and, where there is one, the way out."""
