"""The settings of a lone Cassandra node that starts fast and loses nothing when killed."""

import json

from devtools.engines.recipe import EngineInstance

OPENED = {
    "java.base": (
        "java.io java.lang java.lang.module java.lang.reflect java.math java.net java.nio "
        "java.util java.util.concurrent java.util.concurrent.atomic jdk.internal.loader "
        "jdk.internal.math jdk.internal.module jdk.internal.ref jdk.internal.reflect "
        "jdk.internal.util.jar sun.nio.ch"
    ),
    "java.management": "com.sun.jmx.mbeanserver",
    "jdk.management": "com.sun.management.internal",
}
EXPORTED = {
    "java.base": "jdk.internal.misc jdk.internal.ref sun.nio.ch",
    "java.management.rmi": "com.sun.jmx.remote.internal.rmi",
    "java.rmi": "sun.rmi.registry sun.rmi.server sun.rmi.transport sun.rmi.transport.tcp",
    "java.sql": "java.sql",
    "jdk.unsupported": "sun.misc",
}
JVM = [
    "-Xms384M",
    "-Xmx384M",
    "-XX:MaxDirectMemorySize=256m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:-UsePerfData",
    "-Djdk.attach.allowAttachSelf=true",
    "-Dfile.encoding=UTF-8",
    "-Djava.awt.headless=true",
]
NODE = {
    "cassandra-foreground": "yes",
    "cassandra.initial_token": "0",
    "cassandra.skip_wait_for_gossip_to_settle": "0",
    "cassandra.ring_delay_ms": "1000",
    "cassandra.superuser_setup_delay_ms": "0",
    "cassandra.shutdown_announce_in_ms": "0",
    # Passwords here are 256 random bits: stretching them buys nothing and costs start-up time.
    "cassandra.auth_bcrypt_gensalt_log2_rounds": "4",
}
LOGBACK = """\
<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%date{ISO8601} %-5level [%thread] %logger{20} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT"/></root>
</configuration>
"""


def storage_port(instance: EngineInstance) -> int:
    """The port on which nodes talk to each other: the one after CQL's. There is no JMX port."""
    return instance.port + 1


def cassandra_yaml(instance: EngineInstance) -> str:
    """The node's settings, as JSON, which is YAML too."""
    settings = {
        "cluster_name": "tools",
        "num_tokens": 1,
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "endpoint_snitch": "SimpleSnitch",
        "seed_provider": [
            {
                "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                "parameters": [{"seeds": f"127.0.0.1:{storage_port(instance)}"}],
            }
        ],
        "listen_address": "127.0.0.1",
        "storage_port": storage_port(instance),
        "rpc_address": "127.0.0.1",
        "native_transport_port": instance.port,
        "authenticator": "PasswordAuthenticator",
        "authorizer": "CassandraAuthorizer",
        "role_manager": "CassandraRoleManager",
        # A role that was dropped must not log in from memory.
        "credentials_validity": "0ms",
        # Periodic syncing forgets what it answered in the last moments before a kill -9.
        "commitlog_sync": "batch",
        "commitlog_segment_size": "8MiB",
        "commitlog_disk_access_mode": "legacy",
        "disk_access_mode": "standard",
        "data_file_directories": [str(instance.data / "data")],
        "commitlog_directory": str(instance.data / "commitlog"),
        "hints_directory": str(instance.data / "hints"),
        "saved_caches_directory": str(instance.data / "saved_caches"),
        "cdc_raw_directory": str(instance.data / "cdc_raw"),
    }
    return json.dumps(settings, indent=2)


def module_options() -> list[str]:
    """What Cassandra reaches inside the Java runtime, as its jvm17-server.options lists it."""
    return [
        f"{option}={module}/{package}=ALL-UNNAMED"
        for option, modules in (("--add-opens", OPENED), ("--add-exports", EXPORTED))
        for module, packages in modules.items()
        for package in packages.split()
    ]


def node_options(instance: EngineInstance) -> list[str]:
    """The JVM's options for this instance, without class path and agents."""
    configuration = instance.run / "conf"
    properties = NODE | {
        "cassandra.storagedir": str(instance.data),
        "cassandra.config": (configuration / "cassandra.yaml").as_uri(),
        "logback.configurationFile": str(configuration / "logback.xml"),
        "java.io.tmpdir": str(instance.run / "tmp"),
    }
    return [*JVM, *module_options(), *(f"-D{name}={value}" for name, value in properties.items())]
