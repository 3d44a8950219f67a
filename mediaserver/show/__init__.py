"""A show of this server: what it has, what is made of it, and every command on it.

core        its record, what is made of it, its views; how a change is made
keeping     its copy in the store, and the lease under which that is written on air
cast        its feeds
changes     what listeners are told when its record changes
addresses   where its targets are: what they need to be reached
on_air      going on air and off again
recorder    the recordings of its canvases
shelf       what is known of the products on its rundown
feeds, targets, canvases, recordings, assets, rundown     the commands on these
show        the commands on the whole of it, and its task
"""

from mediaserver.show.canvases import DEFAULT_CANVAS, MAX_CANVASES, default_layout
from mediaserver.show.show import Show

__all__ = ["DEFAULT_CANVAS", "MAX_CANVASES", "Show", "default_layout"]
