# The connector as an image: docker build -t whatsapp-crm-connector .   How to run it: docs/deploy.md
# For a digest in place of the tag: docker build --build-arg PYTHON_IMAGE=python:3.13.16-slim-trixie@sha256:... .
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# What changes seldom comes first: these layers are kept until a lock changes. Wheels only, each with a known hash.
COPY requirements/build.lock requirements/postgres.lock requirements/
RUN python -m venv /opt/build && /opt/build/bin/pip install --require-hashes --only-binary :all: -r requirements/build.lock
RUN python -m venv --without-pip /opt/connector
RUN /opt/build/bin/pip --python /opt/connector/bin/python install --require-hashes --only-binary :all: -r requirements/postgres.lock
COPY pyproject.toml README.md LICENSE ./
COPY mappings mappings
COPY connector connector
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels .
RUN /opt/build/bin/pip --python /opt/connector/bin/python install --no-deps --no-index /wheels/*.whl \
 && /opt/build/bin/pip --python /opt/connector/bin/python check

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="WhatsApp-CRM connector" \
      org.opencontainers.image.description="A WhatsApp reply changes the right CRM field; a CRM event sends the right WhatsApp template, once." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.documentation="docs/deploy.md"
# pip is a build tool here: nothing can be installed into a running container. Volumes take owner and mode from these.
RUN python -m pip uninstall --yes --root-user-action ignore pip \
 && groupadd --gid 10001 connector \
 && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/connector --shell /usr/sbin/nologin connector \
 && install --directory --owner 10001 --group 10001 --mode 0700 /var/lib/connector /backups
COPY --from=build /opt/connector /opt/connector
ENV PATH=/opt/connector/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    CONNECTOR_HOME=/var/lib/connector HOST=0.0.0.0 PORT=8000
USER 10001:10001
WORKDIR /var/lib/connector
VOLUME ["/var/lib/connector", "/backups"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Of the web process. Workers and the clock have no port: compose.yaml turns it off for them.
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/healthz', timeout=4)"]
ENTRYPOINT ["connector"]
CMD ["web"]
