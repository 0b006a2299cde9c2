"""Maps of a dataset: positions of its points, the regions that they form, and which of them a polygon holds."""

from lightly_widget.maps.lasso import Lasso as Lasso
from lightly_widget.maps.names import METHODS as METHODS
from lightly_widget.maps.names import projection_names as projection_names
from lightly_widget.maps.names import split_name as split_name
from lightly_widget.maps.projection import grid as grid
from lightly_widget.maps.projection import pca as pca
from lightly_widget.maps.projection import umap as umap
from lightly_widget.maps.projection import umap_seconds as umap_seconds
from lightly_widget.maps.regions import Region as Region
from lightly_widget.maps.regions import regions_by_class as regions_by_class
from lightly_widget.maps.regions import regions_by_words as regions_by_words
