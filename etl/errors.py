"""The errors of the ETL, each with the exit code that the command line answers."""


class EtlError(Exception):
    """Anything that the job says in one clear sentence instead of a stack trace."""

    exit_code = 1


class InputError(EtlError):
    """An input that cannot be read at all: missing file, bad manifest, bad argument."""

    exit_code = 2


class ObjectGoneError(InputError):
    """An object, or the version of it that is asked for, is not in its bucket any more."""


class QualityThresholdError(EtlError):
    """Too much was quarantined: nothing was published, the rejects and their reasons were."""

    exit_code = 3


class CatalogError(EtlError):
    """The Data Catalog refused a part of what it was asked; it may be asked again."""


class LakeBusyError(EtlError):
    """Other runs changed the lake again and again while this one worked; it may be run again."""

    exit_code = 4
