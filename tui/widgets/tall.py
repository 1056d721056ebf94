"""What a container needs whose content is thousands of lines high and grows all the time."""

from __future__ import annotations

from textual._spatial_map import SpatialMap
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.widget import Widget

ENDLESS = 1 << 40


class Tall(Widget):
    """Textual's layout, without what it would do at each line of such a content. The last of the
    bases: Textual takes the style sheets of the first."""

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """Textual enters a widget in a grid of 20 lines a square, to find what is seen: two
        thousand entries for what is one widget. Here all widgets lie in one square."""
        result = super().arrange(size, optimal)
        if result._spatial_map is None:
            result._spatial_map = SpatialMap(ENDLESS, ENDLESS)
            result._spatial_map.insert(
                (
                    placement.region.grow(placement.margin),
                    placement.offset,
                    placement.fixed,
                    placement.overlay,
                    placement,
                )
                for placement in result.placements
            )
        return result

    def _size_updated(
        self,
        size: Size,
        virtual_size: Size,
        container_size: Size,
        layout: bool = True,  # noqa: ARG002 - the signature is Textual's
    ) -> bool:
        """Textual lays out and paints everything a second time when the virtual size is new. It
        is new with every line, and nothing here depends on it."""
        return super()._size_updated(size, virtual_size, container_size, layout=False)
