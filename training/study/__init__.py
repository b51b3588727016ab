"""What the paper's mistakes cost, one by one."""
