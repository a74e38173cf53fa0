# The front door as a container: config mounted at /etc/bluegreen/bluegreen.yaml, state kept in /var/lib/bluegreen.
# Any image with Python 3.11 or newer, its venv module and pip will do as the base. What a
# request runs through is compiled: a base without a C compiler has to know apt-get, or take `--build-arg COMPILE=0`.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
ARG COMPILE=1
# The compiler stays in this stage, so its version makes no difference that lasts.
# hadolint ignore=DL3008
RUN if [ "$COMPILE" = 1 ] && ! command -v cc >/dev/null; then \
        apt-get update && apt-get install --yes --no-install-recommends gcc libc6-dev \
        && { test -e "$(python3 -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" \
            || apt-get install --yes --no-install-recommends python3-dev; } \
        && rm -rf /var/lib/apt/lists/*; \
    fi
WORKDIR /src
COPY . .
# Two variables for one thing: versions of pip before and after 25.3.
ENV PIP_CONSTRAINT=/src/requirements/lock.txt PIP_BUILD_CONSTRAINT=/src/requirements/lock.txt
# The environment itself has no pip: nothing can be installed into the image that runs.
RUN python3 -m venv --without-pip /opt/venv \
    && BLUEGREEN_COMPILE="$COMPILE" python3 -m pip wheel --no-cache-dir --no-deps --wheel-dir /dist . \
    && python3 -m pip --python /opt/venv/bin/python install --no-cache-dir /dist/*.whl

FROM ${BASE}
LABEL org.opencontainers.image.title="bluegreen-proxy" \
      org.opencontainers.image.description="A front door that moves traffic between blue and green without losing a request" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/venv /opt/venv
# The user is known by its number, so that a cluster can see that it is not root.
RUN install --directory --owner=10001 --group=10001 /var/lib/bluegreen
ENV PATH="/opt/venv/bin:${PATH}"
USER 10001:10001
WORKDIR /var/lib/bluegreen
VOLUME /var/lib/bluegreen
EXPOSE 8080 9000
# TERM drains; give the container more time to stop than `shutdown.grace`.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["bluegreen", "status", "--output", "json"]
ENTRYPOINT ["bluegreen"]
CMD ["run", "--config", "/etc/bluegreen/bluegreen.yaml"]
