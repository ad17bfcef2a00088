"""Your files become a Dataset, its Split and its Profile; in: a path, out: three records that everything upstream rests on."""

from headstart.data.dataset import Dataset, load
from headstart.data.profile import Profile, profile
from headstart.data.split import Split, folds, split
from headstart.data.spoken import languages

__all__ = ["Dataset", "Profile", "Split", "folds", "languages", "load", "profile", "split"]
