"""Sphinx configuration of the site that ``make docs`` builds from copies of these pages."""

from pathlib import Path

from buildSite import INVENTORIES

from lsst.analysis.cp import __version__

HERE = Path(__file__).parent

project = "analysis_cp"
copyright = "The analysis_cp developers"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_automodapi.automodapi",
    "sphinx_automodapi.smart_resolver",
    "sphinx_design",
]
default_role = "py:obj"
# What cells show is added before, where it is clear on which data they ran.
nb_execution_mode = "off"

# Only those that could be fetched, so that the site can be built without a network.
intersphinx_mapping = {
    path.stem: (INVENTORIES[path.stem], str(path)) for path in sorted((HERE / "inventories").glob("*.inv"))
}

html_theme = "pydata_sphinx_theme"
html_title = project
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["pages.css", "gallery.css", "notebooks.css"]
# Hundreds of pages of names need no tree of all of them.
html_theme_options = {"collapse_navigation": True, "navigation_depth": 2}
html_sidebars = {"lsst.analysis.cp/api/names/*": [], "lsst.analysis.cp/gallery": []}

automodapi_toctreedirnm = "lsst.analysis.cp/api/names"
automodapi_inheritance_diagram = False
autodoc_typehints = "none"
numpydoc_show_class_members = False
