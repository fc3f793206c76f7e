"""Minima of networks, curves and triangles between them, and the barcodes of their complex."""


# A model may have several recipes of curves and triangles, which have names: ``curves-flow``.
wildcard_constraints:
    curves="curves(-[a-z][a-z0-9-]*)?",
    triangles="triangles(-[a-z][a-z0-9-]*)?",


MESSAGES |= {
    "minima": "Train minima {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
    "curvature": "Curvature at minima {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
    "curves": "Optimise {wildcards.curves} {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
    "descents": "Descend from the curves of {wildcards.experiment}/{wildcards.model}",
    "certificates": "Look for saddles between the minima of {wildcards.experiment}/{wildcards.model}",
    "triangles": "Optimise {wildcards.triangles} {wildcards.part} of {wildcards.experiment}/{wildcards.model}",
    "complex": "Gather the complex of {wildcards.experiment}/{wildcards.model}",
    "barcode": "Reduce the complex of {wildcards.experiment}/{wildcards.model}",
    "robustness": "Barcodes of subsets of the minima of {wildcards.experiment}/{wildcards.model}",
    "embedding": "Embed the minima of {wildcards.experiment} in a larger network: {wildcards.model}",
}
