# lcvsync in a container: docker build -t lcvsync .
# Configuration: /etc/lcvsync/config.toml. State: the volume /var/lib/lcvsync, owned by 10001. All of it: docs/running.md

FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY lcvsync lcvsync
RUN python -m venv /opt/lcvsync && /opt/lcvsync/bin/pip install --no-cache-dir .

FROM python:3.13-slim
COPY --from=build /opt/lcvsync /opt/lcvsync
# The state is $XDG_STATE_HOME/lcvsync where the configuration names no state.directory.
ENV PATH=/opt/lcvsync/bin:$PATH \
    XDG_STATE_HOME=/var/lib \
    PYTHONDONTWRITEBYTECODE=1
RUN install -d -o 10001 -g 10001 -m 700 /var/lib/lcvsync
USER 10001:10001
VOLUME /var/lib/lcvsync
ENTRYPOINT ["lcvsync"]
CMD ["sync"]
