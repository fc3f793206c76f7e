"""What claims call the papers, and the columns of their tables of minima."""

V1, V3 = "Barannikov et al., Topological obstructions", "Barannikov et al., Loss barcode"
SUMMARY = "Barannikov et al., Barcodes as summary"
HALF_RECTIFIED = "Freeman & Bruna, Topology and geometry of half-rectified network optimization"
LECTURE = "Tanner, Topology of the loss landscape (lecture)"
OURS = "not in the papers"
FIGURE_ONLY = "in the figure only"

MINIMA_COLUMNS = {
    "data_loss": "Train loss",
    "train_accuracy": "Train accuracy in %",
    "test_loss": "Test loss",
    "test_accuracy": "Test accuracy in %",
}
