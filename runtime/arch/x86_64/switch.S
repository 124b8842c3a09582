/* x86-64, System V ABI.  See ../switch.h.
 *
 *   A saved stack, upwards from its stack pointer: MXCSR and the x87 control word (8 bytes), r15 r14 r13 r12 rbx rbp,
 *   the return address.  Both stacks have this layout at the moment of the switch, so that one description of the
 *   frame (CFI) is true before and after. */

        .text

/* void *fl_switch(void **from: rdi, void *to: rsi, void *pass: rdx) */
        .globl  fl_switch
        .hidden fl_switch
        .type   fl_switch, @function
        .p2align 5
fl_switch:
        .cfi_startproc
        endbr64
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        pushq   %rbx
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbx, 0
        pushq   %r12
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r12, 0
        pushq   %r13
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r13, 0
        pushq   %r14
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r14, 0
        pushq   %r15
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %r15, 0
        subq    $8, %rsp
        .cfi_adjust_cfa_offset 8
        stmxcsr (%rsp)
        fnstcw  4(%rsp)
        movl    (%rsp), %ecx
        movzwl  4(%rsp), %r8d
        movq    %rsp, (%rdi)
        movq    %rsi, %rsp
        .globl  fl_switch_resumed
        .hidden fl_switch_resumed
fl_switch_resumed:
        movq    %rdx, %rax
        /* To load either word costs more than all the rest, and they hardly ever differ.  The low six bits of MXCSR
         * are status flags, which differ often and matter to nobody. */
        xorl    (%rsp), %ecx
        xorw    4(%rsp), %r8w
        andl    $0xffc0, %ecx
        orl     %r8d, %ecx
        jnz     2f
1:      addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        .cfi_remember_state
        popq    %r15
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r15
        popq    %r14
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r14
        popq    %r13
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r13
        popq    %r12
        .cfi_adjust_cfa_offset -8
        .cfi_restore %r12
        popq    %rbx
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbx
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        /* Not ret: it would be predicted to go where this stack was called from, not the other one. */
        popq    %rcx
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rcx
        jmp     *%rcx
        .cfi_restore_state
        .cfi_def_cfa_offset 64  /* clang 14 adjusts the offset before restore_state */
2:      ldmxcsr (%rsp)
        fldcw   4(%rsp)
        jmp     1b
        .cfi_endproc
        .size   fl_switch, . - fl_switch

/* Where a stack begins: a return address without a call.  begin is in rbx, self in r12. */
        .type   begins, @function
        .p2align 4
begins:
        .cfi_startproc
        .cfi_undefined %rip
        nop     /* an unwinder looks one byte before a return address: that shall be this function */
1:      movq    %r12, %rdi
        movq    %rax, %rsi
        call    *%rbx
        ud2
        .cfi_endproc
        .size   begins, . - begins

/* void *fl_switch_prepare(char *top: rdi, begin: rsi, void *self: rdx, uintptr_t control: rcx) */
        .globl  fl_switch_prepare
        .hidden fl_switch_prepare
        .type   fl_switch_prepare, @function
        .p2align 4
fl_switch_prepare:
        .cfi_startproc
        endbr64
        leaq    -80(%rdi), %rax         /* a multiple of 16, and so is the stack pointer after the return */
        movq    %rcx, (%rax)
        xorl    %r8d, %r8d
        movq    %r8, 8(%rax)            /* r15 */
        movq    %r8, 16(%rax)           /* r14 */
        movq    %r8, 24(%rax)           /* r13 */
        movq    %rdx, 32(%rax)          /* r12 */
        movq    %rsi, 40(%rax)          /* rbx */
        movq    %r8, 48(%rax)           /* rbp: the end for who follows frame pointers */
        leaq    1b(%rip), %r9
        movq    %r9, 56(%rax)
        movq    %r8, 64(%rax)
        movq    %r8, 72(%rax)
        ret
        .cfi_endproc
        .size   fl_switch_prepare, . - fl_switch_prepare

/* uintptr_t fl_switch_control(void): MXCSR without its status, the control word above it */
        .globl  fl_switch_control
        .hidden fl_switch_control
        .type   fl_switch_control, @function
        .p2align 4
fl_switch_control:
        .cfi_startproc
        endbr64
        movq    $0, -8(%rsp)
        stmxcsr -8(%rsp)
        fnstcw  -4(%rsp)
        andl    $0xffc0, -8(%rsp)
        movq    -8(%rsp), %rax
        ret
        .cfi_endproc
        .size   fl_switch_control, . - fl_switch_control

/* void fl_switch_control_free(uintptr_t): nothing */
        .globl  fl_switch_control_free
        .hidden fl_switch_control_free
        .type   fl_switch_control_free, @function
fl_switch_control_free:
        .cfi_startproc
        endbr64
        ret
        .cfi_endproc
        .size   fl_switch_control_free, . - fl_switch_control_free

        .section .rodata
        .globl  fl_switch_name
        .hidden fl_switch_name
        .type   fl_switch_name, @object
fl_switch_name:
        .string "x86_64"
        .size   fl_switch_name, . - fl_switch_name

        .section .note.GNU-stack, "", @progbits
