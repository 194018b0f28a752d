# An image of this project: for a machine, and for every node of a cluster (deploy/kuberay-rayjob.yaml).
#   docker build --target cpu --tag recurrent-study:0.1.0 .
#   docker build --target gpu --tag recurrent-study:0.1.0-gpu .
#   docker run --rm --shm-size=1g --volume "$PWD/studies:/studies" recurrent-study:0.1.0 run quick
# Further extras: --build-arg EXTRAS=run,bpe.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY . .
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

# What is large comes first, and is kept while only our own code changes.
FROM python:${PYTHON}-slim AS libraries
# The operator of KubeRay asks by wget whether a node is well. Installed beside the interpreter, since a login shell,
# in which it may start Ray, forgets every other path.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends wget \
    && rm -rf /var/lib/apt/lists/*
COPY constraints.txt /
RUN pip install --no-cache-dir --constraint /constraints.txt tensorflow "ray[default,tune]"
# Studies lie in a volume: mount one there that user 1000 may write.
RUN useradd --uid 1000 --create-home study && install --directory --owner=study /studies
ENV PYTHONUNBUFFERED=1 RAY_USAGE_STATS_ENABLED=0
WORKDIR /
ENTRYPOINT ["study"]
CMD ["--help"]

FROM libraries AS cpu
ARG EXTRAS=run
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --constraint /constraints.txt "$(echo /wheels/*.whl)[${EXTRAS}]"
# The cells are compiled here, for the builder's kind of processor: else every container would begin with that.
USER 1000
RUN study doctor --warm

# CUDA and cuDNN as TensorFlow's own packages: the host has the driver and its container toolkit, `--gpus all`.
FROM libraries AS cuda
RUN pip install --no-cache-dir --constraint /constraints.txt "tensorflow[and-cuda]"

FROM cuda AS gpu
ARG EXTRAS=run
COPY --from=wheel /wheels /wheels
RUN pip install --no-cache-dir --constraint /constraints.txt "$(echo /wheels/*.whl)[${EXTRAS}]"
USER 1000
RUN study doctor --warm
