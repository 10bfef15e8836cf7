# The deployment of this project: Airflow with the distribution installed, and the DAG files.
#
#   docker build --target airflow -t cloudtrail-airflow .     what production runs
#   docker build --target sandbox -t cloudtrail-sandbox .     the AWS and Databricks stand-ins
#
# docker-compose.yml builds both. Neither image runs as root.

# The distribution's wheel, with the job's in it, from sources that need nothing but its builder; the versions are
# those of requirements-dev.txt.
FROM apache/airflow:3.3.2-python3.11 AS distribution
WORKDIR /tmp/build
COPY --chown=airflow:0 requirements-dev.txt ./
RUN grep -E '^(build|hatchling)==' requirements-dev.txt | xargs pip install --no-cache-dir
COPY --chown=airflow:0 pyproject.toml hatch_build.py README.md LICENSE ./
COPY --chown=airflow:0 plugins plugins
COPY --chown=airflow:0 spark_jobs spark_jobs
RUN python -m build --wheel --no-isolation --outdir dist .

FROM apache/airflow:3.3.2-python3.11 AS sandbox
USER root
# bookworm has Java 17, later Debians a newer one; Spark takes both.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends default-jre-headless \
    && rm -rf /var/lib/apt/lists/*
USER airflow
WORKDIR /opt/airflow/project
COPY --chown=airflow:0 requirements-dev.txt requirements-dev.txt
RUN pip install --no-cache-dir --requirement requirements-dev.txt
COPY --chown=airflow:0 hatch_build.py hatch_build.py
COPY --chown=airflow:0 spark_jobs spark_jobs
COPY --chown=airflow:0 sandbox sandbox
# Spark's jars, so that a container starts offline.
RUN python -m sandbox prepare

FROM apache/airflow:3.3.2-python3.11 AS airflow
COPY --from=distribution --chown=airflow:0 /tmp/build/dist/*.whl /tmp/distribution/
# The pins that the image was built with stand in constraints.txt of the user's home, and naming Airflow's version
# keeps pip from changing it (https://airflow.apache.org/docs/docker-stack/build.html, "Important notes for the base
# images"). The two drivers are those of the database of docker-compose.yml.
RUN pip install --no-cache-dir --constraint "${HOME}/constraints.txt" "apache-airflow==${AIRFLOW_VERSION}" \
    psycopg2-binary asyncpg /tmp/distribution/*.whl
COPY --chown=airflow:0 dags /opt/airflow/dags
