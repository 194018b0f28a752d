"""Launch studies of recurrent text classifiers, on a laptop or a cluster."""
