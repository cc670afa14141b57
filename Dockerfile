# One image for the API (the default command) and the worker (`sightlog worker`).
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY client client
COPY app app
COPY graphql_schema graphql_schema
COPY rest_compat rest_compat
COPY tasks tasks
RUN python -m venv /opt/sightlog && /opt/sightlog/bin/pip install --no-cache-dir ./client .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/sightlog sightlog
COPY --from=build /opt/sightlog /opt/sightlog
ENV PATH=/opt/sightlog/bin:$PATH PYTHONUNBUFFERED=1 SIGHTLOG_DATA_DIR=/var/lib/sightlog SIGHTLOG_LOG_FORMAT=json
USER sightlog
WORKDIR /var/lib/sightlog
VOLUME /var/lib/sightlog
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/live', timeout=2)"]
CMD ["sightlog", "serve", "--host", "0.0.0.0"]
