"""Sales flow back: orders are read from the shop, LCV is told of sales, refunds, reversals and customers."""
