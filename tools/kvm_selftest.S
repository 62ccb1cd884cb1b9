# What pyvirtd/drivers/qemu/capabilities/selftest.py has QEMU run under KVM, as firmware loaded at f0000h: real mode,
# protected mode, long mode, an exception and the return from it; then the end through isa-debug-exit at port f4h.
# Each stage says its number on port e9h. Made into bytes by: as, then objcopy -O binary -j .text
        .intel_syntax noprefix
        .code16
        .org 0
start16:
        cli
        mov al, 0x11            # stage 1: real mode
        out 0xe9, al
        lgdt cs:[gdt_ptr - start16]
        mov eax, cr0
        or eax, 1
        mov cr0, eax
        ljmpd 8, (0xf0000 + start32 - start16)
        .code32
start32:
        mov ax, 0x10
        mov ds, ax
        mov es, ax
        mov ss, ax
        mov esp, 0x8000
        mov al, 0x12
        out 0xe9, al
        # page tables at 0x1000: PML4, 0x2000: PDPT, 0x3000: PD with one 2 MiB page
        mov edi, 0x1000
        xor eax, eax
        mov ecx, 0x3000 / 4
        rep stosd
        mov dword ptr [0x1000], 0x2003
        mov dword ptr [0x2000], 0x3003
        mov dword ptr [0x3000], 0x0083
        mov eax, 0x1000
        mov cr3, eax
        mov eax, 0x20           # PAE
        mov cr4, eax
        mov ecx, 0xc0000080     # EFER.LME
        rdmsr
        or eax, 0x100
        wrmsr
        mov eax, cr0
        or eax, 0x80000000
        mov cr0, eax
        ljmp 0x18, (0xf0000 + start64 - start16)
        .code64
start64:
        mov al, 0x13
        out 0xe9, al
        # an IDT at 0x4000 with one gate: breakpoint
        mov rdi, 0x4030
        mov rax, 0xf0000 + trap - start16
        mov word ptr [rdi], ax
        mov word ptr [rdi + 2], 0x18
        mov word ptr [rdi + 4], 0x8e00
        shr rax, 16
        mov word ptr [rdi + 6], ax
        mov dword ptr [rdi + 8], 0
        lidt [idt_ptr - start16 + 0xf0000]
        int3
        mov al, 0x14            # back from the handler
        out 0xe9, al
        mov al, 0x2a
        out 0xf4, al
1:      hlt
        jmp 1b
trap:
        mov al, 0x15
        out 0xe9, al
        iretq
        .balign 16
gdt:
        .quad 0
        .quad 0x00cf9b000000ffff
        .quad 0x00cf93000000ffff
        .quad 0x00af9b000000ffff
gdt_ptr:
        .word gdt_ptr - gdt - 1
        .long 0xf0000 + gdt - start16
idt_ptr:
        .word 0x3f
        .quad 0x4000
