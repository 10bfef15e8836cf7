# The deployment of this project: Airflow with the DAGs, the plugin, and the job's wheel beside them.
#
#   docker build --target airflow -t cloudtrail-airflow .     what production runs
#   docker build --target sandbox -t cloudtrail-sandbox .     the AWS and Databricks stand-ins
#
# docker-compose.yml builds both. Neither image runs as root.

FROM apache/airflow:3.3.2-python3.11 AS base
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --requirement /tmp/requirements.txt

# The wheel, from sources that need nothing but its builder; the versions are those of requirements-dev.txt.
FROM apache/airflow:3.3.2-python3.11 AS wheel
WORKDIR /tmp/build
COPY --chown=airflow:0 requirements-dev.txt ./
RUN grep -E '^(build|hatchling)==' requirements-dev.txt | xargs pip install --no-cache-dir
COPY --chown=airflow:0 spark_jobs spark_jobs
RUN python -m build --wheel --no-isolation --outdir dist spark_jobs

FROM base AS sandbox
USER root
# bookworm has Java 17, later Debians a newer one; Spark takes both.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless \
    && rm -rf /var/lib/apt/lists/*
USER airflow
WORKDIR /opt/airflow/project
COPY --chown=airflow:0 requirements-dev.txt requirements-dev.txt
RUN pip install --no-cache-dir --requirement requirements-dev.txt
COPY --chown=airflow:0 spark_jobs spark_jobs
COPY --chown=airflow:0 sandbox sandbox
# Spark's jars, so that a container starts offline.
RUN python -m sandbox prepare

FROM base AS airflow
COPY --chown=airflow:0 dags /opt/airflow/dags
COPY --chown=airflow:0 plugins /opt/airflow/plugins
# Where the DAG looks for it: dist/ beside plugins/.
COPY --from=wheel --chown=airflow:0 /tmp/build/dist /opt/airflow/dist
