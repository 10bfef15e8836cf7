# Two images: Airflow with the distribution and the DAG files, and the sandbox.
#
#   docker build --target airflow -t cloudtrail-airflow .     for production
#   docker build --target sandbox -t cloudtrail-sandbox .     the AWS and Databricks stand-ins
#
# docker-compose.yml builds both. Neither image runs as root. Neither has been run in a container yet.
#
# The base images have tags, no digests: a digest can only be taken from a registry, and none was at hand. For
# production, add the digest to each `FROM` (`docker buildx imagetools inspect apache/airflow:3.3.2-python3.11`).

# Build the distribution's wheel, which contains the job's wheel. The build needs only the builder.
FROM apache/airflow:3.3.2-python3.11 AS distribution
WORKDIR /tmp/build
COPY --chown=airflow:0 requirements-build.txt ./
RUN pip install --no-cache-dir --require-hashes --requirement requirements-build.txt
COPY --chown=airflow:0 pyproject.toml hatch_build.py README.md LICENSE ./
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 spark_jobs spark_jobs
RUN python -m build --wheel --no-isolation --outdir dist .

FROM apache/airflow:3.3.2-python3.11 AS sandbox
USER root
# Debian bookworm has Java 17, later releases have a newer one. Spark works with both.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless \
    && rm -rf /var/lib/apt/lists/*
USER airflow
WORKDIR /opt/airflow/project
COPY --chown=airflow:0 requirements-dev.txt requirements-dev.txt
RUN pip install --no-cache-dir --require-hashes --requirement requirements-dev.txt
COPY --chown=airflow:0 hatch_build.py hatch_build.py
COPY --chown=airflow:0 spark_jobs spark_jobs
COPY --chown=airflow:0 sandbox sandbox
# Download Spark's jars now, so that a container starts without a network.
RUN python -m sandbox prepare

FROM apache/airflow:3.3.2-python3.11 AS airflow
COPY --from=distribution --chown=airflow:0 /tmp/build/dist/*.whl /tmp/distribution/
# The base image keeps the pins that it was built with in constraints.txt of the user's home folder. Naming Airflow's
# version keeps pip from changing it (https://airflow.apache.org/docs/docker-stack/build.html, "Important notes for
# the base images"). docker-compose.yml needs the two database drivers.
RUN pip install --no-cache-dir --constraint "${HOME}/constraints.txt" "apache-airflow==${AIRFLOW_VERSION}" \
    psycopg2-binary asyncpg /tmp/distribution/*.whl
COPY --chown=airflow:0 dags /opt/airflow/dags
# A volume that is mounted here takes over the owner. docker-compose.yml keeps the password of the login in it.
RUN mkdir --mode=700 /opt/airflow/login
