"""What devbox is measured by: ratios against a floor taken in the same run, for machines differ and are noisy."""
