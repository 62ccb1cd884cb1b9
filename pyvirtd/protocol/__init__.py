"""Libvirt's RPC as declarations: XDR codec, frames, programs. No I/O.

Where things are
    types        wire types as annotations, typed parameters, references (DomainRef, ...)
    calls        @call, @event, @supports, Reply, Passed, When: how a procedure is declared
    remote.*     the remote program, a file for each noun; `remote.hypervisor.HypervisorCalls` is all a hypervisor
                 driver may implement, `remote.session.SessionCalls` what the session answers; `remote.events`
    qemu, lxc, admin   the other programs
    constants.*  public enums, typed parameter field names, driver features
    bind         declarations + driver instances -> the table a session dispatches from
    frame        bytes + file descriptors <-> messages; keepalive; stream holes
    error_body   VirtError <-> the error struct
    events       one event -> the messages that carry it
    fragments    values put into wire form ahead of time
    xdr, shapes, params, codec   the compiler behind it all

To implement calls, override them with the same parameters; `def` must not wait, `async def` may::

    class QemuDriver(Driver, HypervisorCalls):
        def domain_lookup_by_name(self, name: str) -> DomainRef:
            return self.domains.by_name(name).ref

        @supports(DomainDestroyFlags.GRACEFUL)          # without it, only flags=0 gets through
        async def domain_destroy_flags(self, dom: DomainRef, flags: int) -> None: ...

- A list is returned whole: how much of it the caller wants (need_results, maxnames, ...) is the codec's matter.
- `via`: `domain_destroy` works as soon as `domain_destroy_flags` does, `connect_num_of_domains` and
  `connect_list_domains` as soon as `connect_list_all_domains` does. Override them only to be faster.
- A call with a stream has a last parameter `stream`; one that is given file descriptors has `files: list[int]`; one
  that hands some out returns `Passed(value, files)`.
- Where a reply is a set of typed parameters, the flag TYPED_PARAM_STRING_OKAY is the codec's matter too.
- `domain_get_cpu_stats` sees `nparams` and `ncpus` (0 asks for their number) and returns a flat list of pairs;
  `node_get_cpu_map`, `domain_get_vcpus` and the pin calls see what sizes their maps.
- Hot replies: keep `fragments.encoded(ref)`, `encoded_params(params)` or `encoded_list(refs)` and return that.

To serve them::

    tables = bind(session, driver, readonly=client.readonly)     # {program: {procedure: BoundCall}}
    bound = tables[message.program].get(message.procedure)       # None: VIR_ERR_NO_SUPPORT
    args, encode = bound.decode(message.body)
    result = bound.method(*args)                                 # + stream, + files, where bound.stream / .files_in
    reply = encode(await result if bound.is_async else result)   # .files_out: the result is a Passed

To declare one: number, access, and the signature (see `calls.call`). The tables of the protocol facts are compared
with every declaration in tests/protocol.
"""
