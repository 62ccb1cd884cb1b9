"""Field names of the admin interface's typed parameters: libvirt's string macros."""

from typing import Final


class ClientInfoField:
    """VIR_CLIENT_INFO_*."""

    READONLY: Final = "readonly"
    SASL_USER_NAME: Final = "sasl_user_name"
    SELINUX_CONTEXT: Final = "selinux_context"
    SOCKET_ADDR: Final = "sock_addr"
    UNIX_GROUP_ID: Final = "unix_group_id"
    UNIX_GROUP_NAME: Final = "unix_group_name"
    UNIX_PROCESS_ID: Final = "unix_process_id"
    UNIX_USER_ID: Final = "unix_user_id"
    UNIX_USER_NAME: Final = "unix_user_name"
    X509_DISTINGUISHED_NAME: Final = "tls_x509_dname"


class ServerClientsField:
    """VIR_SERVER_CLIENTS_*."""

    CURRENT: Final = "nclients"
    MAX: Final = "nclients_max"
    UNAUTH_CURRENT: Final = "nclients_unauth"
    UNAUTH_MAX: Final = "nclients_unauth_max"


class ThreadpoolField:
    """VIR_THREADPOOL_*."""

    JOB_QUEUE_DEPTH: Final = "jobQueueDepth"
    WORKERS_CURRENT: Final = "nWorkers"
    WORKERS_FREE: Final = "freeWorkers"
    WORKERS_MAX: Final = "maxWorkers"
    WORKERS_MIN: Final = "minWorkers"
    WORKERS_PRIORITY: Final = "prioWorkers"
