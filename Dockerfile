# Two images from one file: `engine` (and its workers) and `dashboard`, which needs no torch.
#
#   docker build --target engine .                          CPU
#   docker build --target engine --build-arg TORCH=cu130 .  CUDA; run it with --gpus all
#
# BASE may be any Debian-like image that has Python 3.11 to 3.13 with venv.
ARG BASE=docker.io/library/python:3.12-slim-bookworm

FROM ${BASE} AS base
ENV PYTHONUNBUFFERED=1 PYTHONFAULTHANDLER=1
# A fixed number: volumes keep their owner whatever image made them.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin cachescope \
    && install -d -o cachescope -g cachescope /data
WORKDIR /app

# A pip configuration of yours (mirror, proxy, certificates) is mounted, never kept:
#   --secret id=pip,src=pip.conf
FROM base AS dashboard-packages
COPY dashboard/requirements.txt /src/dashboard/requirements.txt
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install -q --no-cache-dir -r /src/dashboard/requirements.txt

FROM base AS engine-packages
ARG TORCH=cpu
ARG TORCH_INDEX=https://download.pytorch.org/whl
COPY requirements.txt /src/requirements.txt
COPY dashboard/requirements.txt /src/dashboard/requirements.txt
# torch first and from its own index: the default one brings CUDA along for everybody.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install -q --no-cache-dir --extra-index-url "${TORCH_INDEX}/${TORCH}" \
       "$(sed -n "s/^\(torch==[^ ]*\).*/\1+${TORCH}/p" /src/requirements.txt)" \
    && /opt/venv/bin/pip install -q --no-cache-dir -r /src/requirements.txt

FROM base AS runtime
# Everything that is written lies under /data or /tmp, so that the root may be read-only.
ENV PATH=/opt/venv/bin:$PATH \
    CACHESCOPE_DATA_DIR=/data \
    CACHESCOPE_LOG_DIR=/data/logs \
    NUMBA_CACHE_DIR=/data/compiled \
    XDG_CACHE_HOME=/tmp \
    HOME=/tmp
COPY db /app/db
COPY engine /app/engine

FROM runtime AS dashboard
COPY --from=dashboard-packages /opt/venv /opt/venv
COPY .streamlit /app/.streamlit
COPY dashboard /app/dashboard
RUN python -m compileall -q /app
ENV CACHESCOPE_ATTACH_ONLY=true \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none
USER 10001:10001
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen('http://127.0.0.1:' + os.environ['STREAMLIT_SERVER_PORT'] + '/_stcore/health', timeout=4)"]
CMD ["streamlit", "run", "dashboard/Home.py"]

FROM runtime AS engine
COPY --from=engine-packages /opt/venv /opt/venv
COPY mock /app/mock
RUN python -m compileall -q /app
# Read by NVIDIA's runtime where there is one; without it they mean nothing.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
VOLUME /data
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=3 \
    CMD ["python", "-c", "import json, os, urllib.request as u; run = json.load(open(os.environ['CACHESCOPE_DATA_DIR'] + '/engine.json')); raise SystemExit(not json.load(u.urlopen(f'http://127.0.0.1:{run[\"api_port\"]}/health', timeout=4))['ok'])"]
CMD ["python", "-m", "engine", "up"]
