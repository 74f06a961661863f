"""How Sphinx builds this site; the command is in CONTRIBUTING.md."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("MPLBACKEND", "agg")  # no screen is needed

import curves
from reference_text import document_from_entries, listed_names

import mygrad

project = "mygrad"
author = "The mygrad authors"
release = version = mygrad.__version__
copyright = author

default_role = "py:obj"
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.figmpl_directive",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx_design",
]
exclude_patterns = ["_build", "gallery", "**/README.*", "reference/more", "reference/*.txt"]
templates_path = ["_templates"]
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme = "pydata_sphinx_theme"
html_title = "mygrad"
html_theme_options = {
    "navbar_align": "left",
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
html_sidebars = {"index": [], "benchmarks": [], "changelog": []}
html_show_sourcelink = False
# No page needs the network to be built or read: MathJax comes with the site.

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3
suppress_warnings = ["config.cache"]

autosummary_generate = True
for stub in (HERE / "reference" / "generated").glob("*.rst"):
    if stub.stem not in listed_names():  # a name that is gone since the last build
        stub.unlink()
autosummary_ignore_module_all = False
autosummary_context = {
    "curves": curves.NAMES,
    "pages_with_more": [page.stem for page in (HERE / "reference" / "more").glob("*.rst")],
}
autodoc_typehints = "none"
autodoc_docstring_signature = False  # NumPy's docstrings begin with NumPy's signatures
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
add_module_names = False

plot_formats = [("png", 100)]
plot_srcset = ["2x"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True
plot_working_directory = str(HERE)
plot_rcparams = {
    "figure.figsize": (6.4, 3.2),
    "figure.constrained_layout.use": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}
plot_apply_rcparams = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "examples",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "image_srcset": ["2x"],
    "within_subsection_order": "FileNameSortKey",
}


def _signature_of_the_object(*_):
    """Keep what `inspect` says; numpydoc would take the signature that a docstring of NumPy begins with."""
    return (None, None)


def setup(app):
    """Give the functions that share NumPy's docstrings their own pages' text, before numpydoc reads it."""
    app.connect("autodoc-process-docstring", document_from_entries, priority=100)
    app.connect("autodoc-process-signature", _signature_of_the_object, priority=100)
