# One build for every Python service: docker build --build-arg SERVICE=back-api .
# No BuildKit feature is used, so that the classic builder can run it.

# The pyproject.toml of every member of the workspace, whichever there are.
FROM python:3.13-slim AS manifests
WORKDIR /src
COPY . .
RUN find . -type f ! -name pyproject.toml ! -path ./uv.lock -delete \
 && find . -mindepth 1 -type d -empty -delete


FROM python:3.13-slim AS builder
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PYTHON_DOWNLOADS=never \
    UV_PROJECT_ENVIRONMENT=/app/venv
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /src

# uv reads the pyproject.toml of every member of the workspace; --frozen, because --locked would
# also want their sources.
COPY --from=manifests /src ./

# The kit's dependencies first: one layer that all services have in common.
RUN uv sync --frozen --exact --no-dev --no-install-workspace --package tools-dashboard

# SERVICE is a service's distribution, or "shared" for the kit alone, which is the root distribution.
ARG SERVICE
RUN uv sync --frozen --exact --all-extras --no-dev --no-install-workspace \
    --package "$(echo "$SERVICE" | sed 's/^shared$/tools-dashboard/')"

# The package shared is found as it is in the repository, beside its pyproject.toml. .dockerignore
# leaves out what only tests use and documents that nothing serves; a slip there ends the build.
ARG FOLDER=$SERVICE
COPY pyproject.toml /app/
COPY shared /app/shared
COPY ${FOLDER} /app/service
RUN rm -r /app/shared/contracts/generated \
 && if [ "$SERVICE" = shared ]; then rm -r /app/service && mkdir /app/service; fi \
 && test -z "$(find /app/shared /app/service -name tests -o -name testing -o -name pacts -o -name openapi)" \
 && python -m compileall -q /app/shared /app/service


FROM python:3.13-slim
# The image comes without compiled standard library, and a read-only container can't keep it: every
# start and every health check would compile it again.
RUN python -m compileall -q -x '/(test|tests|idlelib|site-packages)/' \
      "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')"
# A fresh named volume takes owner and mode from the image's folder: these are where volumes go.
RUN groupadd --gid 10001 service \
 && useradd --uid 10001 --gid service --no-create-home --shell /usr/sbin/nologin service \
 && install -d -o service -g service -m 0750 /secrets /mails /exports \
 && install -d -o service -g service /public-keys
COPY --from=builder /app /app
RUN python -c "import tomllib; print(*tomllib.load(open('/app/pyproject.toml', 'rb'))['tool']['uv']['workspace']['members'], 'front')" \
  | xargs -n 1 printf '/secrets-by-owner/%s\n' | xargs install -d -o service -g service -m 0750
ENV PATH=/app/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /app/service
USER 10001:10001
