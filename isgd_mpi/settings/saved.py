"""States by declaration: a class names the attributes that a checkpoint keeps of it.

A state is a dict of arrays, numbers, bytes and such dicts. It has the same names and types at all
times, so that a checkpoint of another kind of run is refused and not half believed.
"""

_KINDS = {bool: "b", int: "iu", float: "f", bytes: "S"}
"""Kinds of NumPy dtypes that stand for a plain Python type."""


class Saved:
    """Give a class ``state`` and ``restore``, by the names of its attributes in ``saved``.

    Each attribute is a number, a truth value, bytes, an array of a fixed shape, another object
    with a state, or None, which has no state. A leading underscore is left out of the state's names.

    Attributes
    ----------
    saved : tuple of str
        Names of the attributes that make up the state.
    """

    saved = ()

    def state(self):
        """Return the state. Arrays are the object's own: who keeps a state copies them.

        Returns
        -------
        dict
            By name: arrays, numbers, bytes and states.
        """
        values = {name.lstrip("_"): getattr(self, name) for name in self.saved}
        return {
            name: value.state() if hasattr(value, "state") else value
            for name, value in values.items()
            if value is not None
        }

    def restore(self, state):
        """Take the state back: arrays in place, numbers and bytes in the attributes' types.

        Parameters
        ----------
        state : dict
            Of an object of the same class and size.

        Raises
        ------
        ValueError
            Names, types or shapes are not those of this object.
        """
        names = {name.lstrip("_"): name for name in self.saved if getattr(self, name) is not None}
        check_names(state, names)
        for name, attribute in names.items():
            value = getattr(self, attribute)
            if hasattr(value, "restore"):
                _restore_part(name, value, state.get(name, {}))
            elif hasattr(value, "__setitem__"):
                check_array(state.get(name), value, name)
                value[...] = state[name]
            else:
                setattr(self, attribute, plain(name, state.get(name), type(value)))


def check_names(state, expected):
    """Refuse a state that lacks a name, or has one more. Objects without attributes leave no name.

    Parameters
    ----------
    state : dict
    expected : iterable of str

    Raises
    ------
    ValueError
    """
    if not isinstance(state, dict):
        raise ValueError("there should be several values")
    if extra := sorted(state.keys() - set(expected)):
        raise ValueError(f"{extra[0]!r} does not belong there")


def check_array(found, expected, name="it"):
    """Refuse what is no array of the dtype and shape expected.

    Parameters
    ----------
    found : object
    expected : ndarray
    name : str
        For the message.

    Raises
    ------
    ValueError
    """
    dtype, shape = getattr(found, "dtype", None), getattr(found, "shape", None)
    if dtype is None:
        raise ValueError(f"{name} is missing or no array")
    if dtype != expected.dtype or shape != expected.shape:
        raise ValueError(f"{name} is {dtype} of shape {shape}, not {expected.dtype} of shape {expected.shape}")


def _restore_part(name, part, state):
    """Restore an object that is part of another one; what is wrong with it is told by path."""
    try:
        part.restore(state)
    except ValueError as error:
        raise ValueError(f"{name}/{error}") from None


def plain(name, found, kind):
    """Return a number or bytes, perhaps out of an array without dimensions, in a plain type; else raise ValueError."""
    if hasattr(found, "dtype"):
        if found.shape != () or found.dtype.kind not in _KINDS[kind]:
            raise ValueError(f"{name} is {found.dtype} of shape {found.shape}, not a single {kind.__name__}")
        found = found.item()
    if not isinstance(found, kind):
        raise ValueError(f"{name} is missing or not a single {kind.__name__}")
    return found
