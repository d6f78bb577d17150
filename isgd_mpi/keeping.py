"""The files at the end of a run: one that cannot be written keeps no other from being."""


class Keeper:
    """Writes what it can.

    Attributes
    ----------
    problems : list of str
        What could not be written, and why.
    """

    def __init__(self):
        self.problems = []

    def keep(self, path, write):
        """Write a file.

        Parameters
        ----------
        path : pathlib.Path
            For the message.
        write : callable
            Takes the path.
        """
        try:
            write(path)
        except OSError as error:
            self.note(path, error.strerror or str(error))

    def note(self, path, reason):
        """Note that a file could not be written."""
        self.problems.append(f"{path} could not be written ({reason})")
