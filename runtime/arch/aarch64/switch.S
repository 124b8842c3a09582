/* aarch64, AAPCS64.  See ../switch.h.
 *
 *   A saved stack, upwards from its stack pointer: x29 x30, x19 ... x28, d8 ... d15, FPCR, 8 bytes unused.  Both
 *   stacks have this layout at the moment of the switch, so that one description of the frame (CFI) is true before and
 *   after. */

        .text

#define FRAME 176

/* void *fl_switch(void **from: x0, void *to: x1, void *pass: x2) */
        .globl  fl_switch
        .hidden fl_switch
        .type   fl_switch, %function
        .p2align 5
fl_switch:
        .cfi_startproc
        hint    #34                     // bti c
        stp     x29, x30, [sp, #-FRAME]!
        .cfi_adjust_cfa_offset FRAME
        .cfi_rel_offset x29, 0
        .cfi_rel_offset x30, 8
        stp     x19, x20, [sp, #16]
        .cfi_rel_offset x19, 16
        .cfi_rel_offset x20, 24
        stp     x21, x22, [sp, #32]
        .cfi_rel_offset x21, 32
        .cfi_rel_offset x22, 40
        stp     x23, x24, [sp, #48]
        .cfi_rel_offset x23, 48
        .cfi_rel_offset x24, 56
        stp     x25, x26, [sp, #64]
        .cfi_rel_offset x25, 64
        .cfi_rel_offset x26, 72
        stp     x27, x28, [sp, #80]
        .cfi_rel_offset x27, 80
        .cfi_rel_offset x28, 88
        stp     d8, d9, [sp, #96]
        .cfi_rel_offset d8, 96
        .cfi_rel_offset d9, 104
        stp     d10, d11, [sp, #112]
        .cfi_rel_offset d10, 112
        .cfi_rel_offset d11, 120
        stp     d12, d13, [sp, #128]
        .cfi_rel_offset d12, 128
        .cfi_rel_offset d13, 136
        stp     d14, d15, [sp, #144]
        .cfi_rel_offset d14, 144
        .cfi_rel_offset d15, 152
        mrs     x3, fpcr
        str     x3, [sp, #160]
        mov     x4, sp
        str     x4, [x0]
        mov     sp, x1
        .globl  fl_switch_resumed
        .hidden fl_switch_resumed
fl_switch_resumed:
        ldr     x4, [sp, #160]
        cmp     x3, x4                  // to write it may drain the pipeline, and it hardly ever differs
        b.eq    1f
        msr     fpcr, x4
1:      ldp     d14, d15, [sp, #144]
        .cfi_restore d14
        .cfi_restore d15
        ldp     d12, d13, [sp, #128]
        .cfi_restore d12
        .cfi_restore d13
        ldp     d10, d11, [sp, #112]
        .cfi_restore d10
        .cfi_restore d11
        ldp     d8, d9, [sp, #96]
        .cfi_restore d8
        .cfi_restore d9
        ldp     x27, x28, [sp, #80]
        .cfi_restore x27
        .cfi_restore x28
        ldp     x25, x26, [sp, #64]
        .cfi_restore x25
        .cfi_restore x26
        ldp     x23, x24, [sp, #48]
        .cfi_restore x23
        .cfi_restore x24
        ldp     x21, x22, [sp, #32]
        .cfi_restore x21
        .cfi_restore x22
        ldp     x19, x20, [sp, #16]
        .cfi_restore x19
        .cfi_restore x20
        mov     x0, x2
        ldp     x29, x30, [sp], #FRAME
        .cfi_restore x29
        .cfi_restore x30
        .cfi_adjust_cfa_offset -FRAME
        ret
        .cfi_endproc
        .size   fl_switch, . - fl_switch

/* Where a stack begins: a return address without a call.  begin is in x19, self in x20. */
        .type   begins, %function
        .p2align 4
begins:
        .cfi_startproc
        .cfi_undefined x30
        nop                             // an unwinder looks before a return address: that shall be this function
2:      mov     x1, x0
        mov     x0, x20
        blr     x19
        brk     #1
        .cfi_endproc
        .size   begins, . - begins

/* void *fl_switch_prepare(char *top: x0, begin: x1, void *self: x2, uintptr_t control: x3) */
        .globl  fl_switch_prepare
        .hidden fl_switch_prepare
        .type   fl_switch_prepare, %function
        .p2align 4
fl_switch_prepare:
        .cfi_startproc
        hint    #34                     // bti c
        sub     x0, x0, #FRAME
        adr     x4, 2b
        stp     xzr, x4, [x0]           // no frame below: the end for who follows frame pointers
        stp     x1, x2, [x0, #16]
        stp     xzr, xzr, [x0, #32]
        stp     xzr, xzr, [x0, #48]
        stp     xzr, xzr, [x0, #64]
        stp     xzr, xzr, [x0, #80]
        stp     xzr, xzr, [x0, #96]
        stp     xzr, xzr, [x0, #112]
        stp     xzr, xzr, [x0, #128]
        stp     xzr, xzr, [x0, #144]
        stp     x3, xzr, [x0, #160]
        ret
        .cfi_endproc
        .size   fl_switch_prepare, . - fl_switch_prepare

/* uintptr_t fl_switch_control(void): FPCR */
        .globl  fl_switch_control
        .hidden fl_switch_control
        .type   fl_switch_control, %function
        .p2align 4
fl_switch_control:
        .cfi_startproc
        hint    #34                     // bti c
        mrs     x0, fpcr
        ret
        .cfi_endproc
        .size   fl_switch_control, . - fl_switch_control

/* void fl_switch_control_free(uintptr_t): nothing */
        .globl  fl_switch_control_free
        .hidden fl_switch_control_free
        .type   fl_switch_control_free, %function
        .p2align 2
fl_switch_control_free:
        .cfi_startproc
        hint    #34                     // bti c
        ret
        .cfi_endproc
        .size   fl_switch_control_free, . - fl_switch_control_free

        .section .rodata
        .globl  fl_switch_name
        .hidden fl_switch_name
        .type   fl_switch_name, %object
fl_switch_name:
        .string "aarch64"
        .size   fl_switch_name, . - fl_switch_name

        .section .note.GNU-stack, "", %progbits
