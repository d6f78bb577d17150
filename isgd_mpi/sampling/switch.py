"""The switch, which turns importance sampling off while it does not pay.

It is on where ``variance_gain x (steps per second with it) > steps per second without``: scoring is done
by other ranks, so its cost for the trainer is the time of the refreshes.
"""

import math

from isgd_mpi.settings.saved import Saved

_ON_AGAIN = 1.05  # speed gain above which it is switched on again: above 1, lest it switch to and fro
_SHARE_KEPT = 0.9  # of the moving average of the refreshes' share of the time, at each refresh


class Switch(Saved):
    """Decides, refresh by refresh, whether to use importance sampling.

    Parameters
    ----------
    automatic : bool
        If not, the switch stays on.
    patience : float
        Fresh norms that must in a row speak against importance sampling before it is switched off.
        To switch it on again, one refresh is enough.

    Attributes
    ----------
    on : bool
        The present decision.
    speed_gain : float
        ``variance_gain`` times the steps per second with importance sampling over those without,
        at the last decision; NaN if unknown.
    """

    saved = ("_refresh_share", "_n_against", "on", "speed_gain")

    def __init__(self, automatic, patience):
        self._automatic = automatic
        self._patience = patience
        self._refresh_share = math.nan  # not known
        self._n_against = 0
        self.on = True
        self.speed_gain = math.nan

    def decide(self, variance_gain, refresh_share, n_fresh, error=0.0):
        """Decide on importance sampling until the next refresh.

        Parameters
        ----------
        variance_gain : float
            Gain of the proposal that is, or would be, in use; NaN if unknown, which changes nothing.
        refresh_share : float
            Share of the trainer's time, since the last decision, that its refreshes took.
        n_fresh : int
            Fresh norms since then that the variance gain is estimated from.
        error : float
            Standard error of the gain: it speaks against importance sampling only if this much more would, too.

        Returns
        -------
        changed : bool
        """
        if not self._automatic:
            return False
        if self.on:  # refreshes are rare while it is off: their cost is then not seen
            past = refresh_share if math.isnan(self._refresh_share) else self._refresh_share
            self._refresh_share = _SHARE_KEPT * past + (1 - _SHARE_KEPT) * refresh_share
        if math.isnan(variance_gain):
            return False
        self.speed_gain = variance_gain * (1 - self._refresh_share)
        speaks_against = (variance_gain + error) * (1 - self._refresh_share) < 1
        self._n_against = self._n_against + n_fresh if speaks_against else 0
        was_on = self.on
        self.on = self.speed_gain > _ON_AGAIN if not was_on else self._n_against <= self._patience
        if self.on != was_on:
            self._n_against = 0
        return self.on != was_on
