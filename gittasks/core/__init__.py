"""The pure core: values in, values out. Time, ids, randomness and the actor are arguments."""
