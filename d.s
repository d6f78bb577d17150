	.file	"<string>"
	.section	.rodata.cst4,"aM",@progbits,4
	.p2align	2, 0x0
.LCPI0_0:
	.long	0x80000000
.LCPI0_1:
	.long	0xbf800000
.LCPI0_2:
	.long	0x3f800000
	.section	.rodata,"a",@progbits
	.p2align	6, 0x0
.LCPI0_3:
	.quad	0
	.quad	1
	.quad	2
	.quad	3
	.quad	4
	.quad	5
	.quad	6
	.quad	7
.LCPI0_9:
	.long	0x00000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.section	.rodata.cst8,"aM",@progbits,8
	.p2align	3, 0x0
.LCPI0_4:
	.quad	8
.LCPI0_5:
	.quad	16
.LCPI0_6:
	.quad	24
.LCPI0_7:
	.quad	32
.LCPI0_8:
	.quad	0x3ff0000000000000
	.section	.rodata.cst32,"aM",@progbits,32
	.p2align	5, 0x0
.LCPI0_10:
	.zero	4
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.long	0x80000000
	.section	.ltext,"axl",@progbits
	.globl	_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.p2align	4
	.type	_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx,@function
_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	subq	$360, %rsp
	.cfi_def_cfa_offset 416
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	movq	656(%rsp), %rbx
	movq	624(%rsp), %r15
	movq	584(%rsp), %r12
	movq	528(%rsp), %rbp
	movq	456(%rsp), %r13
	movabsq	$NRT_incref, %r14
	movq	%rdi, 176(%rsp)
	movq	%rdx, %rdi
	vmovsd	%xmm2, 72(%rsp)
	vmovsd	%xmm1, 64(%rsp)
	vmovsd	%xmm0, 48(%rsp)
	movq	%rsi, 56(%rsp)
	movq	$0, 104(%rsp)
	movq	%rdx, 168(%rsp)
	callq	*%r14
	movq	%r13, %rdi
	callq	*%r14
	movq	%rbp, %rdi
	callq	*%r14
	movq	%r12, %rdi
	callq	*%r14
	movq	%rbx, %rdi
	callq	*%r14
	movq	728(%rsp), %rdi
	callq	*%r14
	vmovdqu	712(%rsp), %xmm1
	movq	696(%rsp), %rcx
	movq	704(%rsp), %rax
	movq	688(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 328(%rsp)
	vmovups	%ymm0, 304(%rsp)
	movq	664(%rsp), %r8
	movq	672(%rsp), %r9
	movq	%r15, %rdx
	shlq	$6, %rdx
	leaq	304(%rsp), %rdi
	vmovdqu	%xmm1, 32(%rsp)
	movq	%rcx, 16(%rsp)
	movq	680(%rsp), %rcx
	movq	%rax, 24(%rsp)
	movq	%rsi, 8(%rsp)
	movabsq	$_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE, %rax
	leaq	104(%rsp), %rsi
	movq	%rcx, (%rsp)
	movq	%rbx, %rcx
	vzeroupper
	callq	*%rax
	testl	%eax, %eax
	jne	.LBB0_18
	movq	304(%rsp), %rbx
	movq	336(%rsp), %r13
	movabsq	$NRT_MemInfo_alloc_aligned, %rax
	movl	$256, %edi
	movl	$32, %esi
	callq	*%rax
	testq	%rax, %rax
	je	.LBB0_2
	vmovsd	48(%rsp), %xmm0
	movq	808(%rsp), %rcx
	movq	800(%rsp), %r12
	movq	%rax, 152(%rsp)
	movq	24(%rax), %rax
	movq	%rbx, 160(%rsp)
	movq	560(%rsp), %r14
	movq	432(%rsp), %rbp
	movq	688(%rsp), %rbx
	subq	%r12, %rcx
	movq	%rcx, 88(%rsp)
	vcvtsd2ss	%xmm0, %xmm0, %xmm31
	vmovsd	64(%rsp), %xmm0
	movq	%rax, 64(%rsp)
	vcvtsd2ss	%xmm0, %xmm0, %xmm0
	vmovaps	%xmm0, 288(%rsp)
	vmovsd	72(%rsp), %xmm0
	vcvtsd2ss	%xmm0, %xmm0, %xmm0
	vmovaps	%xmm0, 272(%rsp)
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%zmm0, 192(%rax)
	vmovups	%zmm0, 128(%rax)
	vmovups	%zmm0, 64(%rax)
	vmovups	%zmm0, (%rax)
	leaq	-63(%rcx), %rax
	shrq	$6, %rcx
	testq	%rax, %rax
	movq	%rcx, 80(%rsp)
	setle	%al
	testq	%rcx, %rcx
	sete	%cl
	orb	%al, %cl
	je	.LBB0_21
.LBB0_104:
	movq	160(%rsp), %rdi
	movabsq	$NRT_decref, %r15
	vmovaps	%xmm31, 112(%rsp)
	vzeroupper
	callq	*%r15
	movq	152(%rsp), %rdi
	callq	*%r15
	movq	88(%rsp), %rdx
	vmovaps	112(%rsp), %xmm22
	vmovaps	288(%rsp), %xmm23
	vmovaps	272(%rsp), %xmm24
	movq	808(%rsp), %rdi
	andq	$63, %rdx
	sete	%al
	cmpq	$0, 696(%rsp)
	setle	%cl
	orb	%al, %cl
	je	.LBB0_105
.LBB0_16:
	movq	656(%rsp), %rdi
	movabsq	$NRT_decref, %rbx
	vzeroupper
	callq	*%rbx
	movq	728(%rsp), %rdi
	callq	*%rbx
	movq	168(%rsp), %rdi
	callq	*%rbx
	movq	456(%rsp), %rdi
	callq	*%rbx
	movq	584(%rsp), %rdi
	callq	*%rbx
	movq	528(%rsp), %rdi
	callq	*%rbx
	movq	176(%rsp), %rax
	movq	$0, (%rax)
	xorl	%eax, %eax
.LBB0_17:
	addq	$360, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	retq
.LBB0_21:
	.cfi_def_cfa_offset 416
	cmpq	$0, 696(%rsp)
	movabsq	$9223372036854775800, %rdx
	jle	.LBB0_22
	movabsq	$.LCPI0_1, %rax
	vmovaps	288(%rsp), %xmm5
	movabsq	$.LCPI0_0, %rcx
	leaq	6(%rdx), %r11
	vbroadcastss	272(%rsp), %zmm2
	movq	568(%rsp), %rsi
	vpbroadcastq	%r15, %zmm1
	movabsq	$.LCPI0_6, %r10
	vaddss	(%rax), %xmm5, %xmm4
	movabsq	$.LCPI0_2, %rax
	vxorps	(%rcx){1to4}, %xmm5, %xmm6
	vxorps	(%rcx){1to4}, %xmm31, %xmm3
	andq	%rbp, %r11
	vaddss	(%rax), %xmm5, %xmm5
	movq	704(%rsp), %rax
	movq	%r11, 96(%rsp)
	leaq	(,%rsi,4), %r8
	vpbroadcastq	%rsi, %zmm0
	leaq	(%rax,%rax,2), %rcx
	addq	%rax, %rax
	movq	%rax, 256(%rsp)
	movl	%r15d, %eax
	andl	$7, %eax
	movl	%eax, %r9d
	movq	%rcx, 264(%rsp)
	movq	%r15, %rcx
	andq	%rdx, %rcx
	movq	%rax, 200(%rsp)
	movq	%r11, %rax
	shlq	$8, %rax
	movq	416(%rsp), %rdx
	vbroadcastss	%xmm3, %zmm3
	shll	$8, %r9d
	vbroadcastss	%xmm6, %zmm6
	movq	%rax, 232(%rsp)
	leaq	-8(%rcx), %rax
	movq	%rcx, 192(%rsp)
	movq	%r9, 72(%rsp)
	movq	%rax, 184(%rsp)
	shrq	$3, %rax
	vbroadcastss	%xmm4, %zmm4
	incq	%rax
	vbroadcastss	%xmm5, %zmm5
	movl	%eax, %ecx
	andq	$-4, %rax
	andl	$3, %ecx
	movq	%rax, 144(%rsp)
	movq	632(%rsp), %rax
	movq	%rcx, 136(%rsp)
	shll	$11, %ecx
	movq	%rcx, 248(%rsp)
	leaq	(,%rax,4), %rcx
	leaq	(%rdx,%r11,4), %rax
	movabsq	$.LCPI0_4, %rdx
	movq	%rax, 224(%rsp)
	jmp	.LBB0_48
	.p2align	4
.LBB0_103:
	movq	208(%rsp), %r12
	cmpq	$1, 80(%rsp)
	movq	216(%rsp), %rax
	movq	%rax, 80(%rsp)
	jle	.LBB0_104
.LBB0_48:
	testq	%r15, %r15
	jle	.LBB0_62
	cmpq	$8, %r15
	jae	.LBB0_51
	xorl	%esi, %esi
	jmp	.LBB0_60
	.p2align	4
.LBB0_51:
	movq	616(%rsp), %rax
	cmpq	$24, 184(%rsp)
	leaq	(%rax,%r12,4), %rsi
	jae	.LBB0_53
	leaq	1792(%r13), %rdi
	jmp	.LBB0_57
.LBB0_53:
	movq	144(%rsp), %rbx
	leaq	7936(%r13), %rdi
	.p2align	4
.LBB0_54:
	vmovups	(%rsi), %zmm7
	vmovups	64(%rsi), %zmm8
	vmovups	128(%rsi), %zmm9
	vmovups	192(%rsi), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -7744(%rdi)
	vmovups	%zmm7, -7936(%rdi)
	vmovups	%zmm8, -7872(%rdi)
	vmovups	%zmm9, -7808(%rdi)
	vmovups	(%rsi,%rcx), %zmm7
	vmovups	64(%rsi,%rcx), %zmm8
	vmovups	128(%rsi,%rcx), %zmm9
	vmovups	192(%rsi,%rcx), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -7488(%rdi)
	vmovups	%zmm7, -7680(%rdi)
	vmovups	%zmm8, -7616(%rdi)
	vmovups	%zmm9, -7552(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -7232(%rdi)
	vmovups	%zmm7, -7424(%rdi)
	vmovups	%zmm8, -7360(%rdi)
	vmovups	%zmm9, -7296(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -6976(%rdi)
	vmovups	%zmm7, -7168(%rdi)
	vmovups	%zmm8, -7104(%rdi)
	vmovups	%zmm9, -7040(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -6720(%rdi)
	vmovups	%zmm7, -6912(%rdi)
	vmovups	%zmm8, -6848(%rdi)
	vmovups	%zmm9, -6784(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -6464(%rdi)
	vmovups	%zmm7, -6656(%rdi)
	vmovups	%zmm8, -6592(%rdi)
	vmovups	%zmm9, -6528(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -6208(%rdi)
	vmovups	%zmm7, -6400(%rdi)
	vmovups	%zmm8, -6336(%rdi)
	vmovups	%zmm9, -6272(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -5952(%rdi)
	vmovups	%zmm7, -6144(%rdi)
	vmovups	%zmm8, -6080(%rdi)
	vmovups	%zmm9, -6016(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -5696(%rdi)
	vmovups	%zmm7, -5888(%rdi)
	vmovups	%zmm8, -5824(%rdi)
	vmovups	%zmm9, -5760(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -5440(%rdi)
	vmovups	%zmm7, -5632(%rdi)
	vmovups	%zmm8, -5568(%rdi)
	vmovups	%zmm9, -5504(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -5184(%rdi)
	vmovups	%zmm7, -5376(%rdi)
	vmovups	%zmm8, -5312(%rdi)
	vmovups	%zmm9, -5248(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -4928(%rdi)
	vmovups	%zmm7, -5120(%rdi)
	vmovups	%zmm8, -5056(%rdi)
	vmovups	%zmm9, -4992(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -4672(%rdi)
	vmovups	%zmm7, -4864(%rdi)
	vmovups	%zmm8, -4800(%rdi)
	vmovups	%zmm9, -4736(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -4416(%rdi)
	vmovups	%zmm7, -4608(%rdi)
	vmovups	%zmm8, -4544(%rdi)
	vmovups	%zmm9, -4480(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -4160(%rdi)
	vmovups	%zmm7, -4352(%rdi)
	vmovups	%zmm8, -4288(%rdi)
	vmovups	%zmm9, -4224(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -3904(%rdi)
	vmovups	%zmm7, -4096(%rdi)
	vmovups	%zmm8, -4032(%rdi)
	vmovups	%zmm9, -3968(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -3648(%rdi)
	vmovups	%zmm7, -3840(%rdi)
	vmovups	%zmm8, -3776(%rdi)
	vmovups	%zmm9, -3712(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -3392(%rdi)
	vmovups	%zmm7, -3584(%rdi)
	vmovups	%zmm8, -3520(%rdi)
	vmovups	%zmm9, -3456(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -3136(%rdi)
	vmovups	%zmm7, -3328(%rdi)
	vmovups	%zmm8, -3264(%rdi)
	vmovups	%zmm9, -3200(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -2880(%rdi)
	vmovups	%zmm7, -3072(%rdi)
	vmovups	%zmm8, -3008(%rdi)
	vmovups	%zmm9, -2944(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -2624(%rdi)
	vmovups	%zmm7, -2816(%rdi)
	vmovups	%zmm8, -2752(%rdi)
	vmovups	%zmm9, -2688(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -2368(%rdi)
	vmovups	%zmm7, -2560(%rdi)
	vmovups	%zmm8, -2496(%rdi)
	vmovups	%zmm9, -2432(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -2112(%rdi)
	vmovups	%zmm7, -2304(%rdi)
	vmovups	%zmm8, -2240(%rdi)
	vmovups	%zmm9, -2176(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -1856(%rdi)
	vmovups	%zmm7, -2048(%rdi)
	vmovups	%zmm8, -1984(%rdi)
	vmovups	%zmm9, -1920(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -1600(%rdi)
	vmovups	%zmm7, -1792(%rdi)
	vmovups	%zmm8, -1728(%rdi)
	vmovups	%zmm9, -1664(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -1344(%rdi)
	vmovups	%zmm7, -1536(%rdi)
	vmovups	%zmm8, -1472(%rdi)
	vmovups	%zmm9, -1408(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	vmovups	%zmm10, -1088(%rdi)
	vmovups	%zmm7, -1280(%rdi)
	vmovups	%zmm8, -1216(%rdi)
	vmovups	%zmm9, -1152(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rax,%rcx), %rsi
	vmovups	%zmm10, -832(%rdi)
	vmovups	%zmm7, -1024(%rdi)
	vmovups	%zmm8, -960(%rdi)
	vmovups	%zmm9, -896(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	leaq	(%rsi,%rcx), %rax
	leaq	(%rax,%rcx), %r9
	vmovups	%zmm10, -576(%rdi)
	vmovups	%zmm7, -768(%rdi)
	vmovups	%zmm8, -704(%rdi)
	vmovups	%zmm9, -640(%rdi)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rcx,%rcx), %rsi
	addq	%r9, %rsi
	vmovups	%zmm10, -320(%rdi)
	vmovups	%zmm7, -512(%rdi)
	vmovups	%zmm8, -448(%rdi)
	vmovups	%zmm9, -384(%rdi)
	vmovups	(%rcx,%rax), %zmm7
	vmovups	64(%rcx,%rax), %zmm8
	vmovups	128(%rcx,%rax), %zmm9
	vmovups	192(%rcx,%rax), %zmm10
	vmovups	%zmm10, -64(%rdi)
	vmovups	%zmm7, -256(%rdi)
	vmovups	%zmm8, -192(%rdi)
	vmovups	%zmm9, -128(%rdi)
	vmovdqu64	(%rcx,%r9), %zmm7
	vmovdqu64	64(%rcx,%r9), %zmm8
	vmovdqu64	128(%rcx,%r9), %zmm9
	vmovdqu64	192(%rcx,%r9), %zmm10
	vmovdqu64	%zmm9, 128(%rdi)
	vmovdqu64	%zmm10, 192(%rdi)
	vmovdqu64	%zmm7, (%rdi)
	vmovdqu64	%zmm8, 64(%rdi)
	addq	$8192, %rdi
	addq	$-4, %rbx
	jne	.LBB0_54
	cmpq	$0, 136(%rsp)
	movq	688(%rsp), %rbx
	je	.LBB0_59
	addq	$-6144, %rdi
.LBB0_57:
	xorl	%eax, %eax
	.p2align	4
.LBB0_58:
	vmovups	(%rsi), %zmm7
	vmovups	64(%rsi), %zmm8
	vmovups	128(%rsi), %zmm9
	vmovups	192(%rsi), %zmm10
	leaq	(%rsi,%rcx), %r9
	vmovups	%zmm10, -1600(%rdi,%rax)
	vmovups	%zmm7, -1792(%rdi,%rax)
	vmovups	%zmm8, -1728(%rdi,%rax)
	vmovups	%zmm9, -1664(%rdi,%rax)
	vmovups	(%rsi,%rcx), %zmm7
	vmovups	64(%rsi,%rcx), %zmm8
	vmovups	128(%rsi,%rcx), %zmm9
	vmovups	192(%rsi,%rcx), %zmm10
	leaq	(%r9,%rcx), %rsi
	vmovups	%zmm10, -1344(%rdi,%rax)
	vmovups	%zmm7, -1536(%rdi,%rax)
	vmovups	%zmm8, -1472(%rdi,%rax)
	vmovups	%zmm9, -1408(%rdi,%rax)
	vmovups	(%rcx,%r9), %zmm7
	vmovups	64(%rcx,%r9), %zmm8
	vmovups	128(%rcx,%r9), %zmm9
	vmovups	192(%rcx,%r9), %zmm10
	leaq	(%rsi,%rcx), %r9
	vmovups	%zmm10, -1088(%rdi,%rax)
	vmovups	%zmm7, -1280(%rdi,%rax)
	vmovups	%zmm8, -1216(%rdi,%rax)
	vmovups	%zmm9, -1152(%rdi,%rax)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%r9,%rcx), %rsi
	vmovups	%zmm10, -832(%rdi,%rax)
	vmovups	%zmm7, -1024(%rdi,%rax)
	vmovups	%zmm8, -960(%rdi,%rax)
	vmovups	%zmm9, -896(%rdi,%rax)
	vmovups	(%rcx,%r9), %zmm7
	vmovups	64(%rcx,%r9), %zmm8
	vmovups	128(%rcx,%r9), %zmm9
	vmovups	192(%rcx,%r9), %zmm10
	leaq	(%rsi,%rcx), %r9
	leaq	(%r9,%rcx), %r10
	vmovups	%zmm10, -576(%rdi,%rax)
	vmovups	%zmm7, -768(%rdi,%rax)
	vmovups	%zmm8, -704(%rdi,%rax)
	vmovups	%zmm9, -640(%rdi,%rax)
	vmovups	(%rcx,%rsi), %zmm7
	vmovups	64(%rcx,%rsi), %zmm8
	vmovups	128(%rcx,%rsi), %zmm9
	vmovups	192(%rcx,%rsi), %zmm10
	leaq	(%rcx,%rcx), %rsi
	addq	%r10, %rsi
	vmovups	%zmm10, -320(%rdi,%rax)
	vmovups	%zmm7, -512(%rdi,%rax)
	vmovups	%zmm8, -448(%rdi,%rax)
	vmovups	%zmm9, -384(%rdi,%rax)
	vmovups	(%rcx,%r9), %zmm7
	vmovups	64(%rcx,%r9), %zmm8
	vmovups	128(%rcx,%r9), %zmm9
	vmovups	192(%rcx,%r9), %zmm10
	vmovups	%zmm10, -64(%rdi,%rax)
	vmovups	%zmm7, -256(%rdi,%rax)
	vmovups	%zmm8, -192(%rdi,%rax)
	vmovups	%zmm9, -128(%rdi,%rax)
	vmovdqu64	(%rcx,%r10), %zmm7
	vmovdqu64	64(%rcx,%r10), %zmm8
	vmovdqu64	128(%rcx,%r10), %zmm9
	vmovdqu64	192(%rcx,%r10), %zmm10
	vmovdqu64	%zmm9, 128(%rdi,%rax)
	vmovdqu64	%zmm10, 192(%rdi,%rax)
	vmovdqu64	%zmm7, (%rdi,%rax)
	vmovdqu64	%zmm8, 64(%rdi,%rax)
	addq	$2048, %rax
	cmpq	%rax, 248(%rsp)
	jne	.LBB0_58
.LBB0_59:
	movq	192(%rsp), %rsi
	cmpq	$0, 200(%rsp)
	movq	72(%rsp), %r9
	movabsq	$.LCPI0_6, %r10
	je	.LBB0_62
.LBB0_60:
	movq	%rsi, %rax
	imulq	632(%rsp), %rsi
	movq	616(%rsp), %rdi
	shlq	$8, %rax
	addq	%r13, %rax
	addq	%r12, %rsi
	leaq	(%rdi,%rsi,4), %rsi
	xorl	%edi, %edi
	.p2align	4
.LBB0_61:
	vmovdqu64	(%rsi), %zmm7
	vmovdqu64	64(%rsi), %zmm8
	vmovdqu64	128(%rsi), %zmm9
	vmovdqu64	192(%rsi), %zmm10
	addq	%rcx, %rsi
	vmovdqu64	%zmm9, 128(%rax,%rdi)
	vmovdqu64	%zmm10, 192(%rax,%rdi)
	vmovdqu64	%zmm7, (%rax,%rdi)
	vmovdqu64	%zmm8, 64(%rax,%rdi)
	addq	$256, %rdi
	cmpq	%rdi, %r9
	jne	.LBB0_61
.LBB0_62:
	movq	80(%rsp), %rax
	leaq	64(%r12), %rsi
	xorl	%edi, %edi
	movq	%r12, 48(%rsp)
	movq	%rsi, 208(%rsp)
	decq	%rax
	movq	%rax, 216(%rsp)
	jmp	.LBB0_63
	.p2align	4
.LBB0_101:
	movq	%rdi, %r11
	imulq	704(%rsp), %r11
	movl	$1, %eax
	movabsq	$.LCPI0_6, %r10
	addq	%r12, %r11
.LBB0_102:
	movq	760(%rsp), %rsi
	vmovups	(%rbx,%r11,4), %zmm11
	vmovups	64(%rbx,%r11,4), %zmm12
	vmovups	128(%rbx,%r11,4), %zmm13
	vmovups	192(%rbx,%r11,4), %zmm14
	movq	72(%rsp), %r9
	addq	%rax, %rdi
	vmovups	(%rsi,%r11,4), %zmm15
	vmovups	64(%rsi,%r11,4), %zmm16
	vmovups	128(%rsi,%r11,4), %zmm17
	vmovups	192(%rsi,%r11,4), %zmm18
	vfmadd231ps	%zmm14, %zmm2, %zmm10
	vfmadd231ps	%zmm13, %zmm2, %zmm9
	vfmadd231ps	%zmm12, %zmm2, %zmm8
	vfmadd231ps	%zmm11, %zmm2, %zmm7
	vfmadd213ps	%zmm15, %zmm3, %zmm7
	vfmadd213ps	%zmm16, %zmm3, %zmm8
	vfmadd213ps	%zmm17, %zmm3, %zmm9
	vfmadd213ps	%zmm18, %zmm3, %zmm10
	vfmadd231ps	%zmm18, %zmm4, %zmm10
	vfmadd231ps	%zmm17, %zmm4, %zmm9
	vfmadd231ps	%zmm16, %zmm4, %zmm8
	vfmadd231ps	%zmm15, %zmm4, %zmm7
	vfmadd231ps	%zmm7, %zmm5, %zmm11
	vfmadd231ps	%zmm8, %zmm5, %zmm12
	vfmadd231ps	%zmm9, %zmm5, %zmm13
	vfmadd231ps	%zmm10, %zmm5, %zmm14
	vfmadd231ps	%zmm18, %zmm6, %zmm14
	vfmadd231ps	%zmm17, %zmm6, %zmm13
	vfmadd231ps	%zmm16, %zmm6, %zmm12
	vfmadd231ps	%zmm15, %zmm6, %zmm11
	vmovups	%zmm11, (%rbx,%r11,4)
	vmovups	%zmm12, 64(%rbx,%r11,4)
	vmovups	%zmm13, 128(%rbx,%r11,4)
	vmovups	%zmm14, 192(%rbx,%r11,4)
	vmovups	%zmm9, 128(%rsi,%r11,4)
	vmovups	%zmm10, 192(%rsi,%r11,4)
	vmovups	%zmm7, (%rsi,%r11,4)
	vmovups	%zmm8, 64(%rsi,%r11,4)
	cmpq	696(%rsp), %rdi
	jge	.LBB0_103
.LBB0_63:
	movq	568(%rsp), %rax
	leaq	4(%rdi), %r11
	cmpq	%r11, %rax
	cmovlq	%rax, %r11
	subq	%rdi, %r11
	testq	%r11, %r11
	jle	.LBB0_64
	cmpq	$8, %r11
	jae	.LBB0_70
	xorl	%esi, %esi
	movq	%rdi, %r10
	jmp	.LBB0_83
	.p2align	4
.LBB0_64:
	movq	64(%rsp), %rax
	vmovups	(%rax), %zmm7
	vmovups	64(%rax), %zmm8
	vmovups	128(%rax), %zmm9
	vmovups	192(%rax), %zmm10
	jmp	.LBB0_65
	.p2align	4
.LBB0_70:
	vpbroadcastq	%r14, %zmm7
	cmpq	$32, %r11
	jae	.LBB0_72
	movq	%r12, %r15
	xorl	%eax, %eax
	xorl	%esi, %esi
	movq	%rdi, %r10
	jmp	.LBB0_78
.LBB0_72:
	movabsq	$.LCPI0_3, %rsi
	vpbroadcastq	%rdi, %zmm8
	movabsq	$9223372036854775800, %rax
	movabsq	$9223372036854775776, %r9
	movabsq	$.LCPI0_7, %r12
	vpxor	%xmm9, %xmm9, %xmm9
	vpxor	%xmm10, %xmm10, %xmm10
	vpxor	%xmm11, %xmm11, %xmm11
	vpxor	%xmm12, %xmm12, %xmm12
	vpaddq	(%rsi), %zmm8, %zmm8
	addq	$-24, %rax
	movq	%r11, %rsi
	andq	%r9, %rsi
	movabsq	$.LCPI0_5, %r9
	andq	%r11, %rax
	.p2align	4
.LBB0_73:
	vpaddq	(%rdx){1to8}, %zmm8, %zmm13
	vpaddq	(%r10){1to8}, %zmm8, %zmm15
	vpaddq	(%r9){1to8}, %zmm8, %zmm14
	vpsraq	$63, %zmm8, %zmm16
	vpsllq	$2, %zmm8, %zmm20
	kxnorb	%k0, %k0, %k1
	vpaddq	(%r12){1to8}, %zmm8, %zmm8
	addq	$-32, %rsi
	vpandq	%zmm0, %zmm16, %zmm16
	vpaddq	%zmm20, %zmm7, %zmm20
	vpsllq	$2, %zmm16, %zmm16
	vpaddq	%zmm16, %zmm20, %zmm16
	vpsraq	$63, %zmm13, %zmm17
	vpsraq	$63, %zmm15, %zmm19
	vpsllq	$2, %zmm13, %zmm13
	vpsraq	$63, %zmm14, %zmm18
	vpsllq	$2, %zmm15, %zmm15
	vpsllq	$2, %zmm14, %zmm14
	vpandq	%zmm0, %zmm17, %zmm17
	vpandq	%zmm0, %zmm19, %zmm19
	vpaddq	%zmm13, %zmm7, %zmm13
	vpandq	%zmm0, %zmm18, %zmm18
	vpaddq	%zmm15, %zmm7, %zmm15
	vpaddq	%zmm14, %zmm7, %zmm14
	vpsllq	$2, %zmm17, %zmm17
	vpsllq	$2, %zmm18, %zmm18
	vpaddq	%zmm17, %zmm13, %zmm13
	vpsllq	$2, %zmm19, %zmm17
	vpaddq	%zmm18, %zmm14, %zmm14
	vpaddq	%zmm17, %zmm15, %zmm15
	vpxord	%xmm17, %xmm17, %xmm17
	vpgatherqd	(,%zmm16), %ymm17 {%k1}
	kxnorb	%k0, %k0, %k1
	vpxord	%xmm16, %xmm16, %xmm16
	vpgatherqd	(,%zmm13), %ymm16 {%k1}
	kxnorb	%k0, %k0, %k1
	vpxor	%xmm13, %xmm13, %xmm13
	vpgatherqd	(,%zmm14), %ymm13 {%k1}
	kxnorb	%k0, %k0, %k1
	vpxor	%xmm14, %xmm14, %xmm14
	vpgatherqd	(,%zmm15), %ymm14 {%k1}
	vpmovsxdq	%ymm17, %zmm15
	vpmovsxdq	%ymm16, %zmm16
	vpmovsxdq	%ymm13, %zmm13
	vpmovsxdq	%ymm14, %zmm14
	vpcmpeqq	%zmm15, %zmm1, %k0
	vpcmpeqq	%zmm16, %zmm1, %k1
	vpcmpeqq	%zmm13, %zmm1, %k2
	vpmovm2q	%k0, %zmm13
	vpsubq	%zmm13, %zmm9, %zmm9
	vpmovm2q	%k1, %zmm13
	vpsubq	%zmm13, %zmm10, %zmm10
	vpcmpeqq	%zmm14, %zmm1, %k3
	vpmovm2q	%k2, %zmm13
	vpsubq	%zmm13, %zmm11, %zmm11
	vpmovm2q	%k3, %zmm13
	vpsubq	%zmm13, %zmm12, %zmm12
	jne	.LBB0_73
	vpaddq	%zmm9, %zmm10, %zmm8
	vpaddq	%zmm12, %zmm11, %zmm10
	vpaddq	%zmm10, %zmm8, %zmm8
	vextracti64x4	$1, %zmm8, %ymm9
	vpaddq	%zmm8, %zmm9, %zmm8
	vextracti128	$1, %ymm8, %xmm9
	vpaddq	%xmm8, %xmm9, %xmm8
	vpshufd	$238, %xmm8, %xmm9
	vpaddq	%xmm8, %xmm9, %xmm8
	vmovq	%xmm8, %rsi
	cmpq	%rax, %r11
	jne	.LBB0_76
	movq	48(%rsp), %r12
	jmp	.LBB0_85
.LBB0_76:
	movq	48(%rsp), %r12
	leaq	(%rax,%rdi), %r10
	testb	$24, %r11b
	je	.LBB0_123
	movq	%r12, %r15
.LBB0_78:
	vpbroadcastq	%r10, %zmm9
	movabsq	$.LCPI0_3, %r10
	movabsq	$9223372036854775800, %r12
	movq	%r11, %r9
	vmovq	%rsi, %xmm8
	vpaddq	(%r10), %zmm9, %zmm9
	andq	%r12, %r9
	.p2align	4
.LBB0_79:
	vpsraq	$63, %zmm9, %zmm10
	vpsllq	$2, %zmm9, %zmm11
	kxnorb	%k0, %k0, %k1
	vpaddq	(%rdx){1to8}, %zmm9, %zmm9
	addq	$8, %rax
	vpandq	%zmm0, %zmm10, %zmm10
	vpaddq	%zmm11, %zmm7, %zmm11
	vpsllq	$2, %zmm10, %zmm10
	vpaddq	%zmm10, %zmm11, %zmm10
	vpxor	%xmm11, %xmm11, %xmm11
	vpgatherqd	(,%zmm10), %ymm11 {%k1}
	vpmovsxdq	%ymm11, %zmm10
	vpcmpeqq	%zmm10, %zmm1, %k0
	vpmovm2q	%k0, %zmm10
	vpsubq	%zmm10, %zmm8, %zmm8
	cmpq	%rax, %r9
	jne	.LBB0_79
	vextracti64x4	$1, %zmm8, %ymm7
	movq	%r15, %r12
	vpaddq	%zmm8, %zmm7, %zmm7
	vextracti128	$1, %ymm7, %xmm8
	vpaddq	%xmm7, %xmm8, %xmm7
	vpshufd	$238, %xmm7, %xmm8
	vpaddq	%xmm7, %xmm8, %xmm7
	vmovq	%xmm7, %rsi
	cmpq	%r9, %r11
	jne	.LBB0_82
	movq	624(%rsp), %r15
	jmp	.LBB0_85
.LBB0_82:
	movq	624(%rsp), %r15
	addq	%rdi, %r9
	andl	$7, %r11d
	movq	%r9, %r10
.LBB0_83:
	addq	$2, %r11
	.p2align	4
.LBB0_84:
	movq	%r10, %rax
	sarq	$63, %rax
	xorl	%r9d, %r9d
	andq	%r8, %rax
	addq	%r14, %rax
	movslq	(%rax,%r10,4), %rax
	incq	%r10
	cmpq	%rax, %r15
	sete	%r9b
	decq	%r11
	addq	%r9, %rsi
	cmpq	$2, %r11
	ja	.LBB0_84
.LBB0_85:
	movq	64(%rsp), %rax
	vmovups	(%rax), %zmm7
	vmovups	64(%rax), %zmm8
	vmovups	128(%rax), %zmm9
	vmovups	192(%rax), %zmm10
	cmpq	$4, %rsi
	jne	.LBB0_65
	movq	416(%rsp), %r11
	testq	%rbp, %rbp
	jle	.LBB0_87
	leaq	3(%rdi), %r10
	movq	%r12, %rax
	leaq	2(%rdi), %r12
	movq	%rdi, %rsi
	imulq	%rbp, %rsi
	imulq	%rbp, %r12
	imulq	%rbp, %r10
	movq	%r10, 56(%rsp)
	movq	%r12, 112(%rsp)
	cmpq	$1, %rbp
	jne	.LBB0_90
	vmovaps	%zmm7, %zmm11
	vmovaps	%zmm8, %zmm12
	vmovaps	%zmm9, %zmm13
	vmovaps	%zmm10, %zmm14
	vmovaps	%zmm7, %zmm15
	vmovaps	%zmm8, %zmm16
	vmovaps	%zmm9, %zmm17
	vmovaps	%zmm10, %zmm18
	vmovaps	%zmm7, %zmm19
	vmovaps	%zmm8, %zmm20
	vmovaps	%zmm9, %zmm21
	vmovaps	%zmm10, %zmm22
	movabsq	$.LCPI0_6, %r10
	movq	%rax, %r12
	jmp	.LBB0_93
	.p2align	4
.LBB0_65:
	movq	416(%rsp), %r11
	movslq	(%r14,%rdi,4), %r9
	testq	%r9, %r9
	jle	.LBB0_101
	movq	%rdi, %rsi
	imulq	%rbp, %rsi
	movq	%r9, %r10
	andq	$3, %r10
	je	.LBB0_67
	movq	488(%rsp), %rax
	leaq	(%r11,%rsi,4), %r11
	xorl	%ebx, %ebx
	leaq	(%rax,%rsi,4), %rax
	.p2align	4
.LBB0_96:
	movslq	(%rax,%rbx,4), %r12
	vbroadcastss	(%r11,%rbx,4), %zmm11
	incq	%rbx
	shlq	$8, %r12
	vfmadd231ps	128(%r13,%r12), %zmm11, %zmm9
	vfmadd231ps	64(%r13,%r12), %zmm11, %zmm8
	vfmadd231ps	(%r13,%r12), %zmm11, %zmm7
	vfmadd231ps	192(%r13,%r12), %zmm11, %zmm10
	cmpq	%rbx, %r10
	jne	.LBB0_96
	movq	688(%rsp), %rbx
	movq	416(%rsp), %r11
	movq	48(%rsp), %r12
	movl	%r9d, %eax
	andl	$2147483644, %eax
	addq	%r10, %rsi
	movq	488(%rsp), %r10
	cmpl	$4, %r9d
	jb	.LBB0_101
	jmp	.LBB0_99
.LBB0_67:
	movq	%r9, %rax
	movq	488(%rsp), %r10
	cmpl	$4, %r9d
	jb	.LBB0_101
.LBB0_99:
	leaq	12(,%rsi,4), %rsi
	addq	$8, %rax
	.p2align	4
.LBB0_100:
	movslq	-12(%r10,%rsi), %r9
	vbroadcastss	-12(%r11,%rsi), %zmm11
	addq	$-4, %rax
	shlq	$8, %r9
	vfmadd231ps	192(%r13,%r9), %zmm11, %zmm10
	vfmadd231ps	(%r13,%r9), %zmm11, %zmm7
	vfmadd231ps	64(%r13,%r9), %zmm11, %zmm8
	vfmadd231ps	128(%r13,%r9), %zmm11, %zmm9
	movslq	-8(%r10,%rsi), %r9
	vbroadcastss	-8(%r11,%rsi), %zmm11
	shlq	$8, %r9
	vfmadd231ps	128(%r13,%r9), %zmm11, %zmm9
	vfmadd231ps	64(%r13,%r9), %zmm11, %zmm8
	vfmadd231ps	(%r13,%r9), %zmm11, %zmm7
	vfmadd231ps	192(%r13,%r9), %zmm11, %zmm10
	movslq	-4(%r10,%rsi), %r9
	vbroadcastss	-4(%r11,%rsi), %zmm11
	shlq	$8, %r9
	vfmadd231ps	192(%r13,%r9), %zmm11, %zmm10
	vfmadd231ps	(%r13,%r9), %zmm11, %zmm7
	vfmadd231ps	64(%r13,%r9), %zmm11, %zmm8
	vfmadd231ps	128(%r13,%r9), %zmm11, %zmm9
	movslq	(%r10,%rsi), %r9
	vbroadcastss	(%r11,%rsi), %zmm11
	addq	$16, %rsi
	shlq	$8, %r9
	vfmadd231ps	128(%r13,%r9), %zmm11, %zmm9
	vfmadd231ps	64(%r13,%r9), %zmm11, %zmm8
	vfmadd231ps	(%r13,%r9), %zmm11, %zmm7
	vfmadd231ps	192(%r13,%r9), %zmm11, %zmm10
	cmpq	$8, %rax
	ja	.LBB0_100
	jmp	.LBB0_101
.LBB0_87:
	vmovaps	%zmm7, %zmm19
	vmovaps	%zmm8, %zmm20
	vmovaps	%zmm9, %zmm21
	vmovaps	%zmm10, %zmm22
	vmovaps	%zmm7, %zmm15
	vmovaps	%zmm8, %zmm16
	vmovaps	%zmm9, %zmm17
	vmovaps	%zmm10, %zmm18
	vmovaps	%zmm7, %zmm11
	vmovaps	%zmm8, %zmm12
	vmovaps	%zmm9, %zmm13
	vmovaps	%zmm10, %zmm14
	movabsq	$.LCPI0_6, %r10
	jmp	.LBB0_94
.LBB0_90:
	movq	%rsi, 240(%rsp)
	leaq	4(%r11,%rsi,4), %rax
	leaq	4(,%rdi,4), %rsi
	leaq	4(%r11,%r10,4), %rbx
	movq	96(%rsp), %r10
	vmovaps	%zmm7, %zmm11
	vmovaps	%zmm8, %zmm12
	vmovaps	%zmm9, %zmm13
	vmovaps	%zmm10, %zmm14
	vmovaps	%zmm7, %zmm15
	vmovaps	%zmm8, %zmm16
	vmovaps	%zmm9, %zmm17
	vmovaps	%zmm10, %zmm18
	vmovaps	%zmm7, %zmm19
	vmovaps	%zmm8, %zmm20
	vmovaps	%zmm9, %zmm21
	vmovaps	%zmm10, %zmm22
	imulq	%rbp, %rsi
	leaq	4(%r11,%rsi), %r9
	leaq	4(%r11,%r12,4), %rsi
	leaq	256(%r13), %r11
	xorl	%r12d, %r12d
	.p2align	4
.LBB0_91:
	vbroadcastss	-4(%rsi,%r12,4), %zmm28
	vmovups	-256(%r11), %zmm23
	vmovups	-192(%r11), %zmm24
	vbroadcastss	-4(%rax,%r12,4), %zmm27
	vmovups	-128(%r11), %zmm25
	vbroadcastss	-4(%r9,%r12,4), %zmm30
	vmovups	-64(%r11), %zmm26
	vbroadcastss	-4(%rbx,%r12,4), %zmm29
	vfmadd231ps	%zmm28, %zmm26, %zmm14
	vfmadd231ps	%zmm28, %zmm25, %zmm13
	vfmadd231ps	%zmm28, %zmm23, %zmm11
	vfmadd231ps	%zmm28, %zmm24, %zmm12
	vbroadcastss	(%r9,%r12,4), %zmm28
	vfmadd231ps	%zmm27, %zmm26, %zmm22
	vfmadd231ps	%zmm27, %zmm25, %zmm21
	vfmadd231ps	%zmm27, %zmm23, %zmm19
	vfmadd231ps	%zmm27, %zmm24, %zmm20
	vfmadd231ps	%zmm30, %zmm25, %zmm17
	vfmadd231ps	%zmm25, %zmm29, %zmm9
	vfmadd231ps	%zmm30, %zmm23, %zmm15
	vfmadd231ps	%zmm23, %zmm29, %zmm7
	vmovups	(%r11), %zmm25
	vfmadd231ps	%zmm30, %zmm24, %zmm16
	vfmadd231ps	%zmm29, %zmm24, %zmm8
	vmovups	128(%r11), %zmm24
	vmovups	64(%r11), %zmm27
	vmovups	192(%r11), %zmm23
	vfmadd231ps	%zmm30, %zmm26, %zmm18
	vbroadcastss	(%rax,%r12,4), %zmm30
	vfmadd231ps	%zmm26, %zmm29, %zmm10
	vbroadcastss	(%rsi,%r12,4), %zmm29
	addq	$512, %r11
	vfmadd231ps	%zmm28, %zmm27, %zmm16
	vfmadd231ps	%zmm28, %zmm25, %zmm15
	vfmadd231ps	%zmm28, %zmm24, %zmm17
	vfmadd231ps	%zmm28, %zmm23, %zmm18
	vbroadcastss	(%rbx,%r12,4), %zmm28
	vfmadd231ps	%zmm30, %zmm27, %zmm20
	vfmadd231ps	%zmm30, %zmm25, %zmm19
	vfmadd231ps	%zmm30, %zmm24, %zmm21
	vfmadd231ps	%zmm30, %zmm23, %zmm22
	vfmadd231ps	%zmm29, %zmm27, %zmm12
	vfmadd231ps	%zmm29, %zmm25, %zmm11
	vfmadd231ps	%zmm29, %zmm24, %zmm13
	vfmadd231ps	%zmm29, %zmm23, %zmm14
	addq	$2, %r12
	vfmadd231ps	%zmm27, %zmm28, %zmm8
	vfmadd231ps	%zmm25, %zmm28, %zmm7
	vfmadd231ps	%zmm24, %zmm28, %zmm9
	vfmadd231ps	%zmm28, %zmm23, %zmm10
	cmpq	%r12, %r10
	jne	.LBB0_91
	movq	688(%rsp), %rbx
	movq	416(%rsp), %r11
	movq	48(%rsp), %r12
	movq	240(%rsp), %rsi
	movabsq	$.LCPI0_6, %r10
	testb	$1, %bpl
	je	.LBB0_94
.LBB0_93:
	movq	232(%rsp), %r9
	leaq	(%r11,%rsi,4), %rax
	leaq	(%rax,%rbp,4), %rsi
	vmovups	(%r13,%r9), %zmm23
	vmovups	64(%r13,%r9), %zmm24
	vmovups	128(%r13,%r9), %zmm25
	vmovups	192(%r13,%r9), %zmm26
	movq	96(%rsp), %r9
	vbroadcastss	(%rax,%r9,4), %zmm27
	vbroadcastss	(%rsi,%r9,4), %zmm29
	movq	224(%rsp), %rax
	movq	112(%rsp), %rsi
	vbroadcastss	(%rax,%rsi,4), %zmm28
	movq	56(%rsp), %rsi
	vfmadd231ps	%zmm27, %zmm24, %zmm20
	vfmadd231ps	%zmm27, %zmm23, %zmm19
	vfmadd231ps	%zmm27, %zmm25, %zmm21
	vfmadd231ps	%zmm27, %zmm26, %zmm22
	vfmadd231ps	%zmm29, %zmm24, %zmm16
	vfmadd231ps	%zmm29, %zmm23, %zmm15
	vfmadd231ps	%zmm29, %zmm25, %zmm17
	vfmadd231ps	%zmm29, %zmm26, %zmm18
	vbroadcastss	(%rax,%rsi,4), %zmm27
	vfmadd231ps	%zmm28, %zmm24, %zmm12
	vfmadd231ps	%zmm28, %zmm23, %zmm11
	vfmadd231ps	%zmm28, %zmm25, %zmm13
	vfmadd231ps	%zmm28, %zmm26, %zmm14
	vfmadd231ps	%zmm24, %zmm27, %zmm8
	vfmadd231ps	%zmm23, %zmm27, %zmm7
	vfmadd231ps	%zmm25, %zmm27, %zmm9
	vfmadd231ps	%zmm27, %zmm26, %zmm10
.LBB0_94:
	movq	704(%rsp), %rax
	movq	%rdi, %r11
	movq	760(%rsp), %rsi
	imulq	%rax, %r11
	addq	%r12, %r11
	vmovups	(%rbx,%r11,4), %zmm23
	vmovups	64(%rbx,%r11,4), %zmm24
	vmovups	128(%rbx,%r11,4), %zmm25
	vmovups	192(%rbx,%r11,4), %zmm26
	vmovups	(%rsi,%r11,4), %zmm27
	vmovups	64(%rsi,%r11,4), %zmm28
	vmovups	128(%rsi,%r11,4), %zmm29
	vmovups	192(%rsi,%r11,4), %zmm30
	addq	%r11, %rax
	vfmadd231ps	%zmm24, %zmm2, %zmm20
	vfmadd231ps	%zmm23, %zmm2, %zmm19
	vfmadd231ps	%zmm26, %zmm2, %zmm22
	vfmadd231ps	%zmm25, %zmm2, %zmm21
	vfmadd213ps	%zmm29, %zmm3, %zmm21
	vfmadd213ps	%zmm30, %zmm3, %zmm22
	vfmadd213ps	%zmm27, %zmm3, %zmm19
	vfmadd213ps	%zmm28, %zmm3, %zmm20
	vfmadd231ps	%zmm28, %zmm4, %zmm20
	vfmadd231ps	%zmm27, %zmm4, %zmm19
	vfmadd231ps	%zmm30, %zmm4, %zmm22
	vfmadd231ps	%zmm29, %zmm4, %zmm21
	vfmadd231ps	%zmm21, %zmm5, %zmm25
	vfmadd231ps	%zmm22, %zmm5, %zmm26
	vfmadd231ps	%zmm19, %zmm5, %zmm23
	vfmadd231ps	%zmm20, %zmm5, %zmm24
	vfmadd231ps	%zmm28, %zmm6, %zmm24
	vfmadd231ps	%zmm27, %zmm6, %zmm23
	vfmadd231ps	%zmm30, %zmm6, %zmm26
	vfmadd231ps	%zmm29, %zmm6, %zmm25
	vmovups	%zmm25, 128(%rbx,%r11,4)
	vmovups	%zmm26, 192(%rbx,%r11,4)
	vmovups	%zmm23, (%rbx,%r11,4)
	vmovups	%zmm24, 64(%rbx,%r11,4)
	vmovups	%zmm22, 192(%rsi,%r11,4)
	vmovups	%zmm21, 128(%rsi,%r11,4)
	vmovups	%zmm20, 64(%rsi,%r11,4)
	vmovups	%zmm19, (%rsi,%r11,4)
	vmovups	(%rbx,%rax,4), %zmm19
	vmovups	64(%rbx,%rax,4), %zmm20
	vmovups	128(%rbx,%rax,4), %zmm21
	vmovups	192(%rbx,%rax,4), %zmm22
	vmovups	(%rsi,%rax,4), %zmm23
	vmovups	64(%rsi,%rax,4), %zmm24
	vmovups	128(%rsi,%rax,4), %zmm25
	vmovups	192(%rsi,%rax,4), %zmm26
	vfmadd231ps	%zmm20, %zmm2, %zmm16
	vfmadd231ps	%zmm19, %zmm2, %zmm15
	vfmadd231ps	%zmm22, %zmm2, %zmm18
	vfmadd231ps	%zmm21, %zmm2, %zmm17
	vfmadd213ps	%zmm25, %zmm3, %zmm17
	vfmadd213ps	%zmm26, %zmm3, %zmm18
	vfmadd213ps	%zmm23, %zmm3, %zmm15
	vfmadd213ps	%zmm24, %zmm3, %zmm16
	vfmadd231ps	%zmm24, %zmm4, %zmm16
	vfmadd231ps	%zmm23, %zmm4, %zmm15
	vfmadd231ps	%zmm26, %zmm4, %zmm18
	vfmadd231ps	%zmm25, %zmm4, %zmm17
	vfmadd231ps	%zmm17, %zmm5, %zmm21
	vfmadd231ps	%zmm18, %zmm5, %zmm22
	vfmadd231ps	%zmm15, %zmm5, %zmm19
	vfmadd231ps	%zmm16, %zmm5, %zmm20
	vfmadd231ps	%zmm24, %zmm6, %zmm20
	vfmadd231ps	%zmm23, %zmm6, %zmm19
	vfmadd231ps	%zmm26, %zmm6, %zmm22
	vfmadd231ps	%zmm25, %zmm6, %zmm21
	vmovups	%zmm21, 128(%rbx,%rax,4)
	vmovups	%zmm22, 192(%rbx,%rax,4)
	vmovups	%zmm19, (%rbx,%rax,4)
	vmovups	%zmm20, 64(%rbx,%rax,4)
	vmovups	%zmm18, 192(%rsi,%rax,4)
	vmovups	%zmm15, (%rsi,%rax,4)
	vmovups	%zmm16, 64(%rsi,%rax,4)
	vmovups	%zmm17, 128(%rsi,%rax,4)
	movq	256(%rsp), %rax
	addq	%r11, %rax
	addq	264(%rsp), %r11
	vmovups	(%rbx,%rax,4), %zmm15
	vmovups	64(%rbx,%rax,4), %zmm16
	vmovups	128(%rbx,%rax,4), %zmm17
	vmovups	192(%rbx,%rax,4), %zmm18
	vmovups	(%rsi,%rax,4), %zmm19
	vmovups	64(%rsi,%rax,4), %zmm20
	vmovups	128(%rsi,%rax,4), %zmm21
	vmovups	192(%rsi,%rax,4), %zmm22
	vfmadd231ps	%zmm16, %zmm2, %zmm12
	vfmadd231ps	%zmm17, %zmm2, %zmm13
	vfmadd231ps	%zmm15, %zmm2, %zmm11
	vfmadd231ps	%zmm18, %zmm2, %zmm14
	vfmadd213ps	%zmm22, %zmm3, %zmm14
	vfmadd213ps	%zmm19, %zmm3, %zmm11
	vfmadd213ps	%zmm21, %zmm3, %zmm13
	vfmadd213ps	%zmm20, %zmm3, %zmm12
	vfmadd231ps	%zmm20, %zmm4, %zmm12
	vfmadd231ps	%zmm21, %zmm4, %zmm13
	vfmadd231ps	%zmm19, %zmm4, %zmm11
	vfmadd231ps	%zmm22, %zmm4, %zmm14
	vfmadd231ps	%zmm14, %zmm5, %zmm18
	vfmadd231ps	%zmm11, %zmm5, %zmm15
	vfmadd231ps	%zmm13, %zmm5, %zmm17
	vfmadd231ps	%zmm12, %zmm5, %zmm16
	vfmadd231ps	%zmm20, %zmm6, %zmm16
	vfmadd231ps	%zmm21, %zmm6, %zmm17
	vfmadd231ps	%zmm19, %zmm6, %zmm15
	vfmadd231ps	%zmm22, %zmm6, %zmm18
	vmovups	%zmm18, 192(%rbx,%rax,4)
	vmovups	%zmm15, (%rbx,%rax,4)
	vmovups	%zmm17, 128(%rbx,%rax,4)
	vmovups	%zmm16, 64(%rbx,%rax,4)
	vmovups	%zmm13, 128(%rsi,%rax,4)
	vmovups	%zmm14, 192(%rsi,%rax,4)
	vmovups	%zmm11, (%rsi,%rax,4)
	vmovups	%zmm12, 64(%rsi,%rax,4)
	movl	$4, %eax
	jmp	.LBB0_102
.LBB0_123:
	andl	$31, %r11d
	jmp	.LBB0_83
.LBB0_105:
	movq	504(%rsp), %rcx
	movq	624(%rsp), %rsi
	movabsq	$.LCPI0_8, %rax
	vcvtss2sd	%xmm23, %xmm23, %xmm0
	movq	632(%rsp), %r8
	subq	%rdx, %rdi
	shlq	$2, %rbp
	vaddsd	(%rax), %xmm0, %xmm0
	vpbroadcastq	%rsi, %zmm1
	movq	488(%rsp), %rsi
	shlq	$2, %rcx
	vpbroadcastq	%r8, %zmm2
	movq	%rcx, 72(%rsp)
	movq	416(%rsp), %rcx
	leaq	192(%rsi), %rax
	movabsq	$.LCPI0_10, %rsi
	movq	%rax, 48(%rsp)
	leaq	192(%rcx), %rax
	movabsq	$.LCPI0_0, %rcx
	vmovaps	(%rsi), %ymm3
	movq	%rax, 56(%rsp)
	movabsq	$.LCPI0_9, %rax
	vbroadcastss	(%rcx), %zmm4
	vmovaps	(%rax), %zmm5
	jmp	.LBB0_106
	.p2align	4
.LBB0_111:
	movq	64(%rsp), %rdi
	movq	88(%rsp), %rdx
	movq	688(%rsp), %rbx
	incq	%rdi
	decq	%rdx
	jle	.LBB0_16
.LBB0_106:
	movq	616(%rsp), %rax
	movq	%rdx, 88(%rsp)
	movq	%rdi, %rdx
	sarq	$63, %rdx
	movq	760(%rsp), %rcx
	movq	416(%rsp), %r11
	movq	%rdi, 64(%rsp)
	xorl	%r13d, %r13d
	movq	%rdx, %rsi
	andq	632(%rsp), %rsi
	leaq	(%rax,%rdi,4), %rax
	leaq	(%rax,%rsi,4), %r8
	movq	%rdx, %rax
	andq	704(%rsp), %rax
	andq	776(%rsp), %rdx
	leaq	(%rbx,%rdi,4), %rsi
	movq	488(%rsp), %rbx
	leaq	(%rsi,%rax,4), %r9
	leaq	(%rcx,%rdi,4), %rax
	movq	56(%rsp), %rsi
	leaq	(%rax,%rdx,4), %r10
	movq	48(%rsp), %rdx
	jmp	.LBB0_107
	.p2align	4
.LBB0_108:
	vxorps	%xmm6, %xmm6, %xmm6
.LBB0_110:
	movq	%r13, %rdi
	imulq	704(%rsp), %rdi
	leaq	1(%r13), %rax
	imulq	776(%rsp), %r13
	movq	72(%rsp), %rcx
	movq	560(%rsp), %r14
	addq	%r15, %rsi
	addq	%r15, %r11
	movq	%r15, %rbp
	addq	%rcx, %rdx
	addq	%rcx, %rbx
	vmovss	(%r9,%rdi,4), %xmm7
	vmulss	(%r10,%r13,4), %xmm23, %xmm8
	vfmadd231ss	%xmm24, %xmm7, %xmm6
	vcvtss2sd	%xmm7, %xmm7, %xmm7
	vfnmadd213ss	%xmm8, %xmm22, %xmm6
	vcvtss2sd	%xmm8, %xmm8, %xmm8
	vcvtss2sd	%xmm6, %xmm6, %xmm9
	vfmsub231sd	%xmm9, %xmm0, %xmm8
	vaddsd	%xmm7, %xmm8, %xmm7
	vcvtsd2ss	%xmm7, %xmm7, %xmm7
	vmovss	%xmm7, (%r9,%rdi,4)
	vmovss	%xmm6, (%r10,%r13,4)
	movq	%rax, %r13
	cmpq	%rax, 696(%rsp)
	je	.LBB0_111
.LBB0_107:
	movl	(%r14,%r13,4), %eax
	movq	%rbp, %r15
	testl	%eax, %eax
	jle	.LBB0_108
	cmpl	$8, %eax
	jae	.LBB0_114
	movq	632(%rsp), %r14
	movq	624(%rsp), %rcx
	vxorps	%xmm6, %xmm6, %xmm6
	xorl	%edi, %edi
	jmp	.LBB0_109
	.p2align	4
.LBB0_114:
	cmpl	$64, %eax
	jae	.LBB0_116
	vxorps	%xmm6, %xmm6, %xmm6
	xorl	%edi, %edi
	jmp	.LBB0_120
.LBB0_116:
	movl	$6406, %ecx
	movl	%eax, %edi
	andl	$2147483584, %edi
	xorl	%ebp, %ebp
	vmovaps	%zmm5, %zmm6
	vmovaps	%zmm4, %zmm7
	vmovaps	%zmm4, %zmm8
	vmovaps	%zmm4, %zmm9
	bextrl	%ecx, %eax, %r12d
	shlq	$8, %r12
	.p2align	4
.LBB0_117:
	vmovdqu64	-192(%rdx,%rbp), %zmm10
	vmovdqu64	-128(%rdx,%rbp), %zmm11
	vmovdqu64	-64(%rdx,%rbp), %zmm12
	vmovdqu64	(%rdx,%rbp), %zmm13
	vextracti64x4	$1, %zmm10, %ymm15
	vpmovsxdq	%ymm10, %zmm14
	vextracti64x4	$1, %zmm11, %ymm17
	vpmovd2m	%zmm10, %k3
	vpmovsxdq	%ymm12, %zmm18
	vpmovsxdq	%ymm13, %zmm20
	vpmovsxdq	%ymm11, %zmm16
	vpmovd2m	%zmm11, %k4
	vpmovd2m	%zmm12, %k2
	vpmovd2m	%zmm13, %k1
	vextracti64x4	$1, %zmm12, %ymm19
	vextracti64x4	$1, %zmm13, %ymm21
	vpmovsxdq	%ymm15, %zmm15
	kshiftrw	$8, %k3, %k5
	vpmovsxdq	%ymm17, %zmm17
	vpmovsxdq	%ymm19, %zmm19
	vpmovsxdq	%ymm21, %zmm21
	vpaddq	%zmm1, %zmm14, %zmm14 {%k3}
	kshiftrw	$8, %k4, %k3
	vpaddq	%zmm1, %zmm18, %zmm18 {%k2}
	vpaddq	%zmm1, %zmm20, %zmm20 {%k1}
	vpaddq	%zmm1, %zmm16, %zmm16 {%k4}
	vpaddq	%zmm1, %zmm15, %zmm15 {%k5}
	vpmullq	%zmm2, %zmm14, %zmm10
	vpaddq	%zmm1, %zmm17, %zmm17 {%k3}
	kshiftrw	$8, %k2, %k3
	kshiftrw	$8, %k1, %k2
	kxnorb	%k0, %k0, %k1
	vpmullq	%zmm2, %zmm18, %zmm14
	vpxord	%xmm18, %xmm18, %xmm18
	vpmullq	%zmm2, %zmm16, %zmm12
	vpmullq	%zmm2, %zmm20, %zmm16
	vpmullq	%zmm2, %zmm15, %zmm11
	vpmullq	%zmm2, %zmm17, %zmm13
	vpaddq	%zmm1, %zmm19, %zmm19 {%k3}
	vpaddq	%zmm1, %zmm21, %zmm21 {%k2}
	vpmullq	%zmm2, %zmm19, %zmm15
	vpmullq	%zmm2, %zmm21, %zmm17
	vgatherqps	(%r8,%zmm11,4), %ymm18 {%k1}
	kxnorb	%k0, %k0, %k1
	vxorps	%xmm11, %xmm11, %xmm11
	vgatherqps	(%r8,%zmm10,4), %ymm11 {%k1}
	kxnorb	%k0, %k0, %k1
	vinsertf64x4	$1, %ymm18, %zmm11, %zmm10
	vxorps	%xmm11, %xmm11, %xmm11
	vgatherqps	(%r8,%zmm13,4), %ymm11 {%k1}
	kxnorb	%k0, %k0, %k1
	vxorps	%xmm13, %xmm13, %xmm13
	vfmadd231ps	-192(%rsi,%rbp), %zmm10, %zmm6
	vgatherqps	(%r8,%zmm12,4), %ymm13 {%k1}
	kxnorb	%k0, %k0, %k1
	vxorps	%xmm12, %xmm12, %xmm12
	vgatherqps	(%r8,%zmm15,4), %ymm12 {%k1}
	kxnorb	%k0, %k0, %k1
	vinsertf64x4	$1, %ymm11, %zmm13, %zmm11
	vxorps	%xmm13, %xmm13, %xmm13
	vgatherqps	(%r8,%zmm14,4), %ymm13 {%k1}
	kxnorb	%k0, %k0, %k1
	vxorps	%xmm14, %xmm14, %xmm14
	vfmadd231ps	-128(%rsi,%rbp), %zmm11, %zmm7
	vinsertf64x4	$1, %ymm12, %zmm13, %zmm12
	vxorps	%xmm13, %xmm13, %xmm13
	vgatherqps	(%r8,%zmm17,4), %ymm13 {%k1}
	kxnorb	%k0, %k0, %k1
	vfmadd231ps	-64(%rsi,%rbp), %zmm12, %zmm8
	vgatherqps	(%r8,%zmm16,4), %ymm14 {%k1}
	vinsertf64x4	$1, %ymm13, %zmm14, %zmm13
	vfmadd231ps	(%rsi,%rbp), %zmm13, %zmm9
	addq	$256, %rbp
	cmpq	%rbp, %r12
	jne	.LBB0_117
	vaddps	%zmm6, %zmm7, %zmm6
	vaddps	%zmm6, %zmm8, %zmm6
	vaddps	%zmm6, %zmm9, %zmm6
	vextractf64x4	$1, %zmm6, %ymm7
	vaddps	%zmm7, %zmm6, %zmm6
	vextractf128	$1, %ymm6, %xmm7
	vaddps	%xmm7, %xmm6, %xmm6
	vshufpd	$1, %xmm6, %xmm6, %xmm7
	vaddps	%xmm7, %xmm6, %xmm6
	vmovshdup	%xmm6, %xmm7
	vaddss	%xmm7, %xmm6, %xmm6
	cmpl	%eax, %edi
	je	.LBB0_110
	movq	632(%rsp), %r14
	movq	624(%rsp), %rcx
	testb	$56, %al
	je	.LBB0_109
.LBB0_120:
	movq	%rdi, %r12
	movl	%eax, %edi
	andl	$2147483640, %edi
	vblendps	$254, %ymm3, %ymm6, %ymm6
	.p2align	4
.LBB0_121:
	vmovdqu	(%rbx,%r12,4), %ymm7
	vpmovsxdq	%ymm7, %zmm8
	vpmovd2m	%ymm7, %k1
	vpaddq	%zmm1, %zmm8, %zmm8 {%k1}
	kxnorb	%k0, %k0, %k1
	vpmullq	%zmm2, %zmm8, %zmm7
	vpxor	%xmm8, %xmm8, %xmm8
	vgatherqps	(%r8,%zmm7,4), %ymm8 {%k1}
	vfmadd231ps	(%r11,%r12,4), %ymm8, %ymm6
	addq	$8, %r12
	cmpq	%r12, %rdi
	jne	.LBB0_121
	vextractf128	$1, %ymm6, %xmm7
	movq	632(%rsp), %r14
	movq	624(%rsp), %rcx
	vaddps	%xmm7, %xmm6, %xmm6
	vshufpd	$1, %xmm6, %xmm6, %xmm7
	vaddps	%xmm7, %xmm6, %xmm6
	vmovshdup	%xmm6, %xmm7
	vaddss	%xmm7, %xmm6, %xmm6
	cmpl	%eax, %edi
	je	.LBB0_110
	.p2align	4
.LBB0_109:
	movslq	(%rbx,%rdi,4), %r12
	vmovss	(%r11,%rdi,4), %xmm7
	incq	%rdi
	movq	%r12, %rbp
	sarq	$63, %rbp
	andq	%rcx, %rbp
	addq	%r12, %rbp
	imulq	%r14, %rbp
	vfmadd231ss	(%r8,%rbp,4), %xmm7, %xmm6
	cmpq	%rdi, %rax
	jne	.LBB0_109
	jmp	.LBB0_110
.LBB0_22:
	testq	%r15, %r15
	jle	.LBB0_104
	movq	632(%rsp), %rsi
	movq	%rdx, %r8
	movl	%r15d, %edx
	andl	$7, %edx
	movl	%edx, %ecx
	shll	$8, %ecx
	leaq	(,%rsi,4), %rax
	cmpq	$7, %r15
	ja	.LBB0_3
	movq	80(%rsp), %rsi
	leaq	-1(%rsi), %rdx
	andq	$7, %rsi
	je	.LBB0_29
	xorl	%edi, %edi
	.p2align	4
.LBB0_26:
	movq	616(%rsp), %r8
	xorl	%r9d, %r9d
	leaq	(%r8,%r12,4), %r8
	.p2align	4
.LBB0_27:
	vmovups	(%r8), %zmm0
	vmovdqu64	64(%r8), %zmm1
	vmovups	128(%r8), %zmm2
	vmovups	192(%r8), %zmm3
	addq	%rax, %r8
	vmovups	%zmm2, 128(%r13,%r9)
	vmovups	%zmm3, 192(%r13,%r9)
	vmovups	%zmm0, (%r13,%r9)
	vmovdqu64	%zmm1, 64(%r13,%r9)
	addq	$256, %r9
	cmpq	%r9, %rcx
	jne	.LBB0_27
	decq	80(%rsp)
	addq	$64, %r12
	incq	%rdi
	cmpq	%rsi, %rdi
	jne	.LBB0_26
.LBB0_29:
	cmpq	$7, %rdx
	jb	.LBB0_104
	.p2align	4
.LBB0_30:
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_31:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_31
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	256(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_33:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_33
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	512(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_35:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_35
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	768(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_37:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_37
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	1024(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_39:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_39
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	1280(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_41:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_41
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	1536(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_43:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_43
	movq	616(%rsp), %rdx
	xorl	%esi, %esi
	leaq	1792(%rdx,%r12,4), %rdx
	.p2align	4
.LBB0_45:
	vmovups	(%rdx), %zmm0
	vmovdqu64	64(%rdx), %zmm1
	vmovups	128(%rdx), %zmm2
	vmovups	192(%rdx), %zmm3
	addq	%rax, %rdx
	vmovups	%zmm2, 128(%r13,%rsi)
	vmovups	%zmm3, 192(%r13,%rsi)
	vmovups	%zmm0, (%r13,%rsi)
	vmovdqu64	%zmm1, 64(%r13,%rsi)
	addq	$256, %rsi
	cmpq	%rsi, %rcx
	jne	.LBB0_45
	addq	$512, %r12
	subq	$8, 80(%rsp)
	jg	.LBB0_30
	jmp	.LBB0_104
.LBB0_3:
	leaq	-8(%r15), %r9
	leaq	1792(%r13), %rdi
	andq	%r15, %r8
	movq	%r9, 72(%rsp)
	shrq	$3, %r9
	movq	%rdi, 48(%rsp)
	movq	%r8, %rdi
	imulq	%rsi, %r8
	shlq	$8, %rdi
	leaq	(%rax,%rax), %rsi
	incq	%r9
	addq	%r13, %rdi
	addq	$7936, %r13
	movl	%r9d, %r11d
	andl	$3, %r11d
	andq	$-4, %r9
	movq	%r11, 56(%rsp)
	shll	$11, %r11d
	movq	%r8, 64(%rsp)
	jmp	.LBB0_4
	.p2align	4
.LBB0_15:
	addq	$64, %r12
	decq	80(%rsp)
	movq	688(%rsp), %rbx
	movq	%r10, %rbp
	jle	.LBB0_104
.LBB0_4:
	movq	616(%rsp), %r8
	cmpq	$24, 72(%rsp)
	movq	%r12, %r15
	movq	%rbp, %r10
	leaq	(%r8,%r12,4), %r12
	jae	.LBB0_6
	movq	48(%rsp), %r8
	jmp	.LBB0_10
	.p2align	4
.LBB0_6:
	movq	%r9, %rbx
	movq	%r13, %r8
	.p2align	4
.LBB0_7:
	vmovups	(%r12), %zmm0
	vmovups	64(%r12), %zmm1
	vmovups	128(%r12), %zmm2
	vmovups	192(%r12), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -7744(%r8)
	vmovups	%zmm0, -7936(%r8)
	vmovups	%zmm1, -7872(%r8)
	vmovups	%zmm2, -7808(%r8)
	vmovups	(%r12,%rax), %zmm0
	vmovups	64(%r12,%rax), %zmm1
	vmovups	128(%r12,%rax), %zmm2
	vmovups	192(%r12,%rax), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -7488(%r8)
	vmovups	%zmm0, -7680(%r8)
	vmovups	%zmm1, -7616(%r8)
	vmovups	%zmm2, -7552(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -7232(%r8)
	vmovups	%zmm0, -7424(%r8)
	vmovups	%zmm1, -7360(%r8)
	vmovups	%zmm2, -7296(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -6976(%r8)
	vmovups	%zmm0, -7168(%r8)
	vmovups	%zmm1, -7104(%r8)
	vmovups	%zmm2, -7040(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -6720(%r8)
	vmovups	%zmm0, -6912(%r8)
	vmovups	%zmm1, -6848(%r8)
	vmovups	%zmm2, -6784(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -6464(%r8)
	vmovups	%zmm0, -6656(%r8)
	vmovups	%zmm1, -6592(%r8)
	vmovups	%zmm2, -6528(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -6208(%r8)
	vmovups	%zmm0, -6400(%r8)
	vmovups	%zmm1, -6336(%r8)
	vmovups	%zmm2, -6272(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -5952(%r8)
	vmovups	%zmm0, -6144(%r8)
	vmovups	%zmm1, -6080(%r8)
	vmovups	%zmm2, -6016(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -5696(%r8)
	vmovups	%zmm0, -5888(%r8)
	vmovups	%zmm1, -5824(%r8)
	vmovups	%zmm2, -5760(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -5440(%r8)
	vmovups	%zmm0, -5632(%r8)
	vmovups	%zmm1, -5568(%r8)
	vmovups	%zmm2, -5504(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -5184(%r8)
	vmovups	%zmm0, -5376(%r8)
	vmovups	%zmm1, -5312(%r8)
	vmovups	%zmm2, -5248(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -4928(%r8)
	vmovups	%zmm0, -5120(%r8)
	vmovups	%zmm1, -5056(%r8)
	vmovups	%zmm2, -4992(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -4672(%r8)
	vmovups	%zmm0, -4864(%r8)
	vmovups	%zmm1, -4800(%r8)
	vmovups	%zmm2, -4736(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -4416(%r8)
	vmovups	%zmm0, -4608(%r8)
	vmovups	%zmm1, -4544(%r8)
	vmovups	%zmm2, -4480(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -4160(%r8)
	vmovups	%zmm0, -4352(%r8)
	vmovups	%zmm1, -4288(%r8)
	vmovups	%zmm2, -4224(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -3904(%r8)
	vmovups	%zmm0, -4096(%r8)
	vmovups	%zmm1, -4032(%r8)
	vmovups	%zmm2, -3968(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -3648(%r8)
	vmovups	%zmm0, -3840(%r8)
	vmovups	%zmm1, -3776(%r8)
	vmovups	%zmm2, -3712(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -3392(%r8)
	vmovups	%zmm0, -3584(%r8)
	vmovups	%zmm1, -3520(%r8)
	vmovups	%zmm2, -3456(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -3136(%r8)
	vmovups	%zmm0, -3328(%r8)
	vmovups	%zmm1, -3264(%r8)
	vmovups	%zmm2, -3200(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -2880(%r8)
	vmovups	%zmm0, -3072(%r8)
	vmovups	%zmm1, -3008(%r8)
	vmovups	%zmm2, -2944(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -2624(%r8)
	vmovups	%zmm0, -2816(%r8)
	vmovups	%zmm1, -2752(%r8)
	vmovups	%zmm2, -2688(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -2368(%r8)
	vmovups	%zmm0, -2560(%r8)
	vmovups	%zmm1, -2496(%r8)
	vmovups	%zmm2, -2432(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -2112(%r8)
	vmovups	%zmm0, -2304(%r8)
	vmovups	%zmm1, -2240(%r8)
	vmovups	%zmm2, -2176(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -1856(%r8)
	vmovups	%zmm0, -2048(%r8)
	vmovups	%zmm1, -1984(%r8)
	vmovups	%zmm2, -1920(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -1600(%r8)
	vmovups	%zmm0, -1792(%r8)
	vmovups	%zmm1, -1728(%r8)
	vmovups	%zmm2, -1664(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -1344(%r8)
	vmovups	%zmm0, -1536(%r8)
	vmovups	%zmm1, -1472(%r8)
	vmovups	%zmm2, -1408(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -1088(%r8)
	vmovups	%zmm0, -1280(%r8)
	vmovups	%zmm1, -1216(%r8)
	vmovups	%zmm2, -1152(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -832(%r8)
	vmovups	%zmm0, -1024(%r8)
	vmovups	%zmm1, -960(%r8)
	vmovups	%zmm2, -896(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -576(%r8)
	vmovups	%zmm0, -768(%r8)
	vmovups	%zmm1, -704(%r8)
	vmovups	%zmm2, -640(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -320(%r8)
	vmovups	%zmm0, -512(%r8)
	vmovups	%zmm1, -448(%r8)
	vmovups	%zmm2, -384(%r8)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	vmovups	%zmm3, -64(%r8)
	vmovups	%zmm0, -256(%r8)
	vmovups	%zmm1, -192(%r8)
	vmovups	%zmm2, -128(%r8)
	vmovups	(%rax,%r12), %zmm0
	vmovdqu64	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	addq	%rsi, %r12
	vmovups	%zmm2, 128(%r8)
	vmovups	%zmm3, 192(%r8)
	vmovups	%zmm0, (%r8)
	vmovdqu64	%zmm1, 64(%r8)
	addq	$8192, %r8
	addq	$-4, %rbx
	jne	.LBB0_7
	cmpq	$0, 56(%rsp)
	je	.LBB0_12
	addq	$-6144, %r8
.LBB0_10:
	xorl	%ebx, %ebx
	.p2align	4
.LBB0_11:
	vmovups	(%r12), %zmm0
	vmovups	64(%r12), %zmm1
	vmovups	128(%r12), %zmm2
	vmovups	192(%r12), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -1600(%r8,%rbx)
	vmovups	%zmm0, -1792(%r8,%rbx)
	vmovups	%zmm1, -1728(%r8,%rbx)
	vmovups	%zmm2, -1664(%r8,%rbx)
	vmovups	(%r12,%rax), %zmm0
	vmovups	64(%r12,%rax), %zmm1
	vmovups	128(%r12,%rax), %zmm2
	vmovups	192(%r12,%rax), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -1344(%r8,%rbx)
	vmovups	%zmm0, -1536(%r8,%rbx)
	vmovups	%zmm1, -1472(%r8,%rbx)
	vmovups	%zmm2, -1408(%r8,%rbx)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -1088(%r8,%rbx)
	vmovups	%zmm0, -1280(%r8,%rbx)
	vmovups	%zmm1, -1216(%r8,%rbx)
	vmovups	%zmm2, -1152(%r8,%rbx)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -832(%r8,%rbx)
	vmovups	%zmm0, -1024(%r8,%rbx)
	vmovups	%zmm1, -960(%r8,%rbx)
	vmovups	%zmm2, -896(%r8,%rbx)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	leaq	(%r12,%rax), %rbp
	vmovups	%zmm3, -576(%r8,%rbx)
	vmovups	%zmm0, -768(%r8,%rbx)
	vmovups	%zmm1, -704(%r8,%rbx)
	vmovups	%zmm2, -640(%r8,%rbx)
	vmovups	(%rax,%r12), %zmm0
	vmovups	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	leaq	(%rbp,%rax), %r12
	vmovups	%zmm3, -320(%r8,%rbx)
	vmovups	%zmm0, -512(%r8,%rbx)
	vmovups	%zmm1, -448(%r8,%rbx)
	vmovups	%zmm2, -384(%r8,%rbx)
	vmovups	(%rax,%rbp), %zmm0
	vmovups	64(%rax,%rbp), %zmm1
	vmovups	128(%rax,%rbp), %zmm2
	vmovups	192(%rax,%rbp), %zmm3
	vmovups	%zmm3, -64(%r8,%rbx)
	vmovups	%zmm0, -256(%r8,%rbx)
	vmovups	%zmm1, -192(%r8,%rbx)
	vmovups	%zmm2, -128(%r8,%rbx)
	vmovups	(%rax,%r12), %zmm0
	vmovdqu64	64(%rax,%r12), %zmm1
	vmovups	128(%rax,%r12), %zmm2
	vmovups	192(%rax,%r12), %zmm3
	addq	%rsi, %r12
	vmovups	%zmm2, 128(%r8,%rbx)
	vmovups	%zmm3, 192(%r8,%rbx)
	vmovups	%zmm0, (%r8,%rbx)
	vmovdqu64	%zmm1, 64(%r8,%rbx)
	addq	$2048, %rbx
	cmpq	%rbx, %r11
	jne	.LBB0_11
.LBB0_12:
	movq	%r15, %r12
	testq	%rdx, %rdx
	je	.LBB0_15
	movq	64(%rsp), %r8
	movq	616(%rsp), %rbx
	addq	%r12, %r8
	leaq	(%rbx,%r8,4), %r8
	xorl	%ebx, %ebx
	.p2align	4
.LBB0_14:
	vmovups	(%r8), %zmm0
	vmovdqu64	64(%r8), %zmm1
	vmovups	128(%r8), %zmm2
	vmovups	192(%r8), %zmm3
	addq	%rax, %r8
	vmovups	%zmm2, 128(%rdi,%rbx)
	vmovups	%zmm3, 192(%rdi,%rbx)
	vmovups	%zmm0, (%rdi,%rbx)
	vmovdqu64	%zmm1, 64(%rdi,%rbx)
	addq	$256, %rbx
	cmpq	%rbx, %rcx
	jne	.LBB0_14
	jmp	.LBB0_15
.LBB0_18:
	movq	104(%rsp), %rax
	jmp	.LBB0_19
.LBB0_2:
	movabsq	$.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209.11, %rax
.LBB0_19:
	movq	56(%rsp), %rcx
	movq	%rax, (%rcx)
	movl	$1, %eax
	jmp	.LBB0_17
.Lfunc_end0:
	.size	_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, .Lfunc_end0-_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.cfi_endproc

	.globl	_ZN7cpython7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.p2align	4
	.type	_ZN7cpython7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx,@function
_ZN7cpython7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	subq	$776, %rsp
	.cfi_def_cfa_offset 832
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	movq	%rsi, %rdi
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	leaq	240(%rsp), %r13
	xorl	%ebx, %ebx
	leaq	248(%rsp), %rbp
	leaq	256(%rsp), %r10
	leaq	264(%rsp), %r11
	leaq	272(%rsp), %r14
	leaq	280(%rsp), %r12
	leaq	288(%rsp), %r15
	movabsq	$.const.descend_along_product, %rsi
	movl	$11, %edx
	movl	$11, %ecx
	leaq	320(%rsp), %r8
	leaq	312(%rsp), %r9
	xorl	%eax, %eax
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	pushq	%r10
	.cfi_adjust_cfa_offset 8
	pushq	%r11
	.cfi_adjust_cfa_offset 8
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	leaq	352(%rsp), %r10
	pushq	%r10
	.cfi_adjust_cfa_offset 8
	leaq	368(%rsp), %r10
	pushq	%r10
	.cfi_adjust_cfa_offset 8
	movabsq	$PyArg_UnpackTuple, %r10
	callq	*%r10
	addq	$80, %rsp
	.cfi_adjust_cfa_offset -80
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%zmm0, 320(%rsp)
	movq	$0, 384(%rsp)
	vmovups	%zmm0, 400(%rsp)
	movq	$0, 464(%rsp)
	movq	$0, 72(%rsp)
	testl	%eax, %eax
	je	.LBB1_23
	movabsq	$_ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, %rax
	cmpq	$0, (%rax)
	je	.LBB1_27
	movq	312(%rsp), %rdi
	movabsq	$NRT_adapt_ndarray_from_python, %rbx
	leaq	704(%rsp), %rsi
	vmovups	%zmm0, 704(%rsp)
	movq	$0, 768(%rsp)
	vzeroupper
	callq	*%rbx
	cmpq	$4, 728(%rsp)
	setne	%cl
	testl	%eax, %eax
	setne	%bpl
	orb	%cl, %bpl
	cmpb	$1, %bpl
	je	.LBB1_29
	testb	%bpl, %bpl
	jne	.LBB1_30
.LBB1_4:
	movq	304(%rsp), %rdi
	movq	704(%rsp), %r14
	movq	736(%rsp), %r12
	movq	752(%rsp), %r13
	leaq	624(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%zmm0, 624(%rsp)
	movq	$0, 688(%rsp)
	vzeroupper
	callq	*%rbx
	cmpq	$4, 648(%rsp)
	setne	%cl
	testl	%eax, %eax
	setne	%bpl
	orb	%cl, %bpl
	jne	.LBB1_31
	testb	%bpl, %bpl
	jne	.LBB1_43
.LBB1_6:
	movq	672(%rsp), %rax
	movq	296(%rsp), %rdi
	movq	624(%rsp), %r15
	movq	656(%rsp), %rbp
	leaq	480(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%ymm0, 480(%rsp)
	vmovups	%ymm0, 504(%rsp)
	movq	%rax, 16(%rsp)
	vzeroupper
	callq	*%rbx
	testl	%eax, %eax
	jne	.LBB1_32
	cmpq	$4, 504(%rsp)
	jne	.LBB1_32
	movq	480(%rsp), %rax
	movq	512(%rsp), %rcx
	movq	288(%rsp), %rdi
	leaq	544(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	movq	%rbp, 8(%rsp)
	vmovups	%zmm0, 544(%rsp)
	movq	$0, 608(%rsp)
	movq	%rax, 64(%rsp)
	movq	520(%rsp), %rax
	movq	%rcx, 224(%rsp)
	movq	%rax, 216(%rsp)
	vzeroupper
	callq	*%rbx
	cmpq	$4, 568(%rsp)
	setne	%cl
	testl	%eax, %eax
	setne	%bpl
	orb	%cl, %bpl
	jne	.LBB1_33
	testb	%bpl, %bpl
	jne	.LBB1_41
.LBB1_10:
	movq	544(%rsp), %rax
	movq	576(%rsp), %rdx
	movq	584(%rsp), %rcx
	movq	280(%rsp), %rdi
	leaq	320(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%zmm0, 320(%rsp)
	movq	$0, 384(%rsp)
	movq	%rax, 56(%rsp)
	movq	592(%rsp), %rax
	movq	%rdx, 208(%rsp)
	movq	%rcx, 200(%rsp)
	movq	%rax, 192(%rsp)
	vzeroupper
	callq	*%rbx
	cmpq	$4, 344(%rsp)
	setne	%cl
	testl	%eax, %eax
	setne	%bpl
	orb	%cl, %bpl
	jne	.LBB1_34
	testb	%bpl, %bpl
	jne	.LBB1_40
.LBB1_12:
	movq	336(%rsp), %rcx
	movq	320(%rsp), %rax
	movq	352(%rsp), %rdx
	movq	272(%rsp), %rdi
	movq	328(%rsp), %rbp
	leaq	400(%rsp), %rsi
	vxorps	%xmm0, %xmm0, %xmm0
	vmovups	%zmm0, 400(%rsp)
	movq	$0, 464(%rsp)
	movq	%rcx, 184(%rsp)
	movq	360(%rsp), %rcx
	movq	%rax, 48(%rsp)
	movq	%rdx, 176(%rsp)
	movq	368(%rsp), %rdx
	movq	384(%rsp), %rax
	movq	%rcx, 168(%rsp)
	movq	376(%rsp), %rcx
	movq	%rdx, 160(%rsp)
	movq	%rax, 144(%rsp)
	movq	%rcx, 152(%rsp)
	vzeroupper
	callq	*%rbx
	cmpq	$4, 424(%rsp)
	setne	%cl
	testl	%eax, %eax
	setne	%bl
	orb	%cl, %bl
	jne	.LBB1_35
	testb	%bl, %bl
	jne	.LBB1_39
.LBB1_14:
	movq	400(%rsp), %rax
	movq	432(%rsp), %rdx
	movq	448(%rsp), %rcx
	movq	264(%rsp), %rdi
	movq	%r14, 40(%rsp)
	movabsq	$PyNumber_Float, %r14
	movq	%rbp, 120(%rsp)
	movq	%r13, 128(%rsp)
	movq	%r12, 136(%rsp)
	movq	%r15, 32(%rsp)
	movq	%rax, 24(%rsp)
	movq	%rdx, 104(%rsp)
	movq	%rcx, 96(%rsp)
	callq	*%r14
	movabsq	$PyFloat_AsDouble, %r15
	movq	%rax, %rdi
	movq	%rax, %rbx
	callq	*%r15
	movabsq	$Py_DecRef, %r13
	movq	%rbx, %rdi
	vmovsd	%xmm0, 112(%rsp)
	callq	*%r13
	movabsq	$PyErr_Occurred, %r12
	callq	*%r12
	testq	%rax, %rax
	jne	.LBB1_38
	movq	256(%rsp), %rdi
	callq	*%r14
	movq	%rax, %rdi
	movq	%rax, %rbx
	callq	*%r15
	movq	%rbx, %rdi
	vmovsd	%xmm0, 88(%rsp)
	callq	*%r13
	callq	*%r12
	testq	%rax, %rax
	jne	.LBB1_38
	movq	248(%rsp), %rdi
	callq	*%r14
	movq	%rax, %rdi
	movq	%rax, %rbx
	callq	*%r15
	movq	%rbx, %rdi
	vmovsd	%xmm0, 80(%rsp)
	callq	*%r13
	callq	*%r12
	testq	%rax, %rax
	jne	.LBB1_38
	movq	240(%rsp), %rdi
	movabsq	$PyNumber_Long, %rbp
	callq	*%rbp
	movabsq	$PyLong_AsLongLong, %r15
	testq	%rax, %rax
	je	.LBB1_36
	movq	%rax, %rdi
	movq	%rax, %r14
	callq	*%r15
	movq	%r14, %rdi
	movq	%rax, %rbx
	callq	*%r13
	callq	*%r12
	testq	%rax, %rax
	jne	.LBB1_38
.LBB1_19:
	movq	232(%rsp), %rdi
	callq	*%rbp
	testq	%rax, %rax
	je	.LBB1_37
	movq	%rax, %rdi
	movq	%rax, %r14
	callq	*%r15
	movq	%r14, %rdi
	movq	%rax, %r15
	callq	*%r13
	callq	*%r12
	testq	%rax, %rax
	jne	.LBB1_38
.LBB1_21:
	movabsq	$PyEval_SaveThread, %rax
	callq	*%rax
	movq	%rax, %r14
	subq	$400, %rsp
	.cfi_adjust_cfa_offset 400
	movq	504(%rsp), %rsi
	movq	544(%rsp), %rdx
	vmovsd	512(%rsp), %xmm0
	vmovsd	488(%rsp), %xmm1
	vmovsd	480(%rsp), %xmm2
	movq	496(%rsp), %rax
	movq	%r15, 392(%rsp)
	movq	%rbx, 384(%rsp)
	movq	448(%rsp), %r15
	movq	456(%rsp), %rbx
	movq	464(%rsp), %rbp
	movq	432(%rsp), %r13
	movq	440(%rsp), %r12
	leaq	936(%rsp), %rdi
	movq	$4, 264(%rsp)
	movq	%rsi, 344(%rsp)
	movq	552(%rsp), %rsi
	movq	%rdx, 304(%rsp)
	movq	560(%rsp), %rdx
	movq	%rax, 360(%rsp)
	movabsq	$_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, %rax
	movq	%r15, 240(%rsp)
	movq	%rbx, 168(%rsp)
	movq	%rbp, 112(%rsp)
	movq	%r13, 40(%rsp)
	movq	%rsi, 296(%rsp)
	movq	568(%rsp), %rsi
	movq	%rdx, 288(%rsp)
	movq	576(%rsp), %rdx
	movq	%rsi, 280(%rsp)
	movq	584(%rsp), %rsi
	movq	%rdx, 272(%rsp)
	movq	520(%rsp), %rdx
	movq	%rsi, 256(%rsp)
	movq	592(%rsp), %rsi
	movq	%rdx, 248(%rsp)
	movq	600(%rsp), %rdx
	movq	%rsi, 216(%rsp)
	movq	608(%rsp), %rsi
	movq	%rdx, 208(%rsp)
	movq	616(%rsp), %rdx
	movq	%rsi, 200(%rsp)
	movq	624(%rsp), %rsi
	movq	%rdx, 152(%rsp)
	movq	416(%rsp), %rdx
	movq	%rsi, 144(%rsp)
	movq	424(%rsp), %rsi
	movq	%rdx, 88(%rsp)
	movq	408(%rsp), %rdx
	movq	%rsi, 312(%rsp)
	movq	528(%rsp), %rsi
	movq	%rdx, 72(%rsp)
	movq	536(%rsp), %rdx
	movq	%rsi, 16(%rsp)
	leaq	472(%rsp), %rsi
	movq	%rdx, (%rsp)
	movq	%r12, %rdx
	callq	*%rax
	addq	$400, %rsp
	.cfi_adjust_cfa_offset -400
	movq	72(%rsp), %rcx
	movl	%eax, 16(%rsp)
	movabsq	$PyEval_RestoreThread, %rax
	movq	%r14, %rdi
	movq	%rcx, 8(%rsp)
	callq	*%rax
	movabsq	$NRT_decref, %r14
	movq	%r12, %rdi
	callq	*%r14
	movq	%r13, %rdi
	callq	*%r14
	movq	%rbp, %rdi
	callq	*%r14
	movq	%rbx, %rdi
	callq	*%r14
	movq	%r15, %rdi
	callq	*%r14
	movq	24(%rsp), %rdi
	callq	*%r14
	cmpl	$0, 16(%rsp)
	jne	.LBB1_24
	movabsq	$_Py_NoneStruct, %rbx
	movabsq	$Py_IncRef, %rax
	movq	%rbx, %rdi
	callq	*%rax
.LBB1_23:
	movq	%rbx, %rax
	addq	$776, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	vzeroupper
	retq
.LBB1_24:
	.cfi_def_cfa_offset 832
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
	movq	8(%rsp), %rbx
	movl	8(%rbx), %esi
	movq	(%rbx), %rdi
	cmpl	$0, 32(%rbx)
	jle	.LBB1_45
	movslq	%esi, %rsi
	movabsq	$PyBytes_FromStringAndSize, %rax
	callq	*%rax
	movq	16(%rbx), %rdi
	movq	%rax, %r14
	callq	*24(%rbx)
	testq	%rax, %rax
	je	.LBB1_49
	movabsq	$numba_runtime_build_excinfo_struct, %rcx
	movq	%r14, %rdi
	movq	%rax, %rsi
	callq	*%rcx
	movabsq	$NRT_Free, %r15
	movq	%rbx, %rdi
	movq	%rax, %r14
	callq	*%r15
	jmp	.LBB1_46
.LBB1_27:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.missing Environment: _ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx", %rsi
.LBB1_28:
	movabsq	$PyErr_SetString, %rax
	vzeroupper
	callq	*%rax
	xorl	%ebx, %ebx
	jmp	.LBB1_23
.LBB1_29:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	testb	%bpl, %bpl
	je	.LBB1_4
	jmp	.LBB1_30
.LBB1_31:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	testb	%bpl, %bpl
	je	.LBB1_6
	jmp	.LBB1_43
.LBB1_32:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	jmp	.LBB1_42
.LBB1_33:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	testb	%bpl, %bpl
	je	.LBB1_10
	jmp	.LBB1_41
.LBB1_34:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	testb	%bpl, %bpl
	je	.LBB1_12
	jmp	.LBB1_40
.LBB1_35:
	movabsq	$PyExc_TypeError, %rdi
	movabsq	$".const.can't unbox array from PyObject into native value.  The object maybe of a different type", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	testb	%bl, %bl
	je	.LBB1_14
	jmp	.LBB1_39
.LBB1_36:
	xorl	%ebx, %ebx
	callq	*%r12
	testq	%rax, %rax
	je	.LBB1_19
	jmp	.LBB1_38
.LBB1_37:
	xorl	%r15d, %r15d
	callq	*%r12
	testq	%rax, %rax
	je	.LBB1_21
.LBB1_38:
	movq	24(%rsp), %rdi
	movabsq	$NRT_decref, %rax
	callq	*%rax
	movq	40(%rsp), %r14
	movq	32(%rsp), %r15
.LBB1_39:
	movq	48(%rsp), %rdi
	movabsq	$NRT_decref, %rax
	callq	*%rax
.LBB1_40:
	movq	56(%rsp), %rdi
	movabsq	$NRT_decref, %rax
	callq	*%rax
.LBB1_41:
	movq	64(%rsp), %rdi
	movabsq	$NRT_decref, %rax
	callq	*%rax
.LBB1_42:
	movabsq	$NRT_decref, %rax
	movq	%r15, %rdi
	callq	*%rax
.LBB1_43:
	movabsq	$NRT_decref, %rax
.LBB1_44:
	movq	%r14, %rdi
	callq	*%rax
	xorl	%ebx, %ebx
	jmp	.LBB1_23
.LBB1_45:
	movq	16(%rbx), %rdx
	movabsq	$numba_unpickle, %rax
	callq	*%rax
	movq	%rax, %r14
.LBB1_46:
	testq	%r14, %r14
	je	.LBB1_30
	movabsq	$numba_do_raise, %rax
	jmp	.LBB1_44
.LBB1_30:
	xorl	%ebx, %ebx
	jmp	.LBB1_23
.LBB1_49:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.Error creating Python tuple from runtime exception arguments", %rsi
	jmp	.LBB1_28
.Lfunc_end1:
	.size	_ZN7cpython7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, .Lfunc_end1-_ZN7cpython7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.cfi_endproc

	.globl	cfunc._ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.p2align	4
	.type	cfunc._ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx,@function
cfunc._ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx:
	.cfi_startproc
	pushq	%r15
	.cfi_def_cfa_offset 16
	pushq	%r14
	.cfi_def_cfa_offset 24
	pushq	%rbx
	.cfi_def_cfa_offset 32
	subq	$432, %rsp
	.cfi_def_cfa_offset 464
	.cfi_offset %rbx, -32
	.cfi_offset %r14, -24
	.cfi_offset %r15, -16
	vmovaps	592(%rsp), %xmm3
	vmovups	648(%rsp), %xmm4
	vmovups	688(%rsp), %zmm5
	vmovaps	752(%rsp), %xmm6
	vmovaps	832(%rsp), %xmm7
	movq	%rdi, %rdx
	movq	464(%rsp), %rax
	movq	520(%rsp), %rsi
	movq	536(%rsp), %rdi
	movq	616(%rsp), %r10
	movq	664(%rsp), %r11
	movq	792(%rsp), %rbx
	movq	808(%rsp), %r14
	movq	488(%rsp), %rcx
	movq	560(%rsp), %r9
	movq	$0, 424(%rsp)
	movq	$0, 416(%rsp)
	vmovups	%xmm7, 384(%rsp)
	movq	%r14, 360(%rsp)
	movq	%rbx, 344(%rsp)
	vmovups	%xmm6, 304(%rsp)
	vmovups	%zmm5, 240(%rsp)
	movq	%r11, 216(%rsp)
	vmovups	%xmm4, 200(%rsp)
	movq	%r10, 168(%rsp)
	vmovups	%xmm3, 144(%rsp)
	movq	%rdi, 88(%rsp)
	movq	%rsi, 72(%rsp)
	movq	%rax, 16(%rsp)
	movabsq	$_ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, %rax
	leaq	424(%rsp), %rdi
	leaq	416(%rsp), %rsi
	movq	%r9, 112(%rsp)
	movq	%rcx, 40(%rsp)
	movq	%r8, (%rsp)
	vzeroupper
	callq	*%rax
	movl	%eax, %ecx
	movq	416(%rsp), %rbx
	movq	424(%rsp), %rax
	movl	$0, 412(%rsp)
	testl	%ecx, %ecx
	jne	.LBB2_1
.LBB2_5:
	addq	$432, %rsp
	.cfi_def_cfa_offset 32
	popq	%rbx
	.cfi_def_cfa_offset 24
	popq	%r14
	.cfi_def_cfa_offset 16
	popq	%r15
	.cfi_def_cfa_offset 8
	retq
.LBB2_1:
	.cfi_def_cfa_offset 464
	movabsq	$numba_gil_ensure, %r14
	leaq	412(%rsp), %rdi
	movq	%rax, %r15
	callq	*%r14
	movabsq	$PyErr_Clear, %rax
	callq	*%rax
	movl	8(%rbx), %esi
	movq	(%rbx), %rdi
	cmpl	$0, 32(%rbx)
	jle	.LBB2_6
	movslq	%esi, %rsi
	movabsq	$PyBytes_FromStringAndSize, %rax
	callq	*%rax
	movq	16(%rbx), %rdi
	movq	%rax, %r14
	callq	*24(%rbx)
	testq	%rax, %rax
	je	.LBB2_3
	movabsq	$numba_runtime_build_excinfo_struct, %rcx
	movq	%r14, %rdi
	movq	%rax, %rsi
	callq	*%rcx
	movq	%rax, %r14
	movabsq	$NRT_Free, %rax
	movq	%rbx, %rdi
	callq	*%rax
	jmp	.LBB2_7
.LBB2_6:
	movq	16(%rbx), %rdx
	movabsq	$numba_unpickle, %rax
	callq	*%rax
	movq	%rax, %r14
.LBB2_7:
	testq	%r14, %r14
	je	.LBB2_4
	movabsq	$numba_do_raise, %rax
	movq	%r14, %rdi
	callq	*%rax
.LBB2_4:
	movabsq	$".const.<numba.core.cpu.CPUContext>", %rdi
	movabsq	$PyUnicode_FromString, %rax
	callq	*%rax
	movabsq	$PyErr_WriteUnraisable, %r14
	movq	%rax, %rbx
	movq	%rbx, %rdi
	callq	*%r14
	movabsq	$Py_DecRef, %rax
	movq	%rbx, %rdi
	callq	*%rax
	movabsq	$numba_gil_release, %rax
	leaq	412(%rsp), %rdi
	callq	*%rax
	movq	%r15, %rax
	jmp	.LBB2_5
.LBB2_3:
	movabsq	$PyExc_RuntimeError, %rdi
	movabsq	$".const.Error creating Python tuple from runtime exception arguments.1", %rsi
	movabsq	$PyErr_SetString, %rax
	callq	*%rax
	xorl	%eax, %eax
	jmp	.LBB2_5
.Lfunc_end2:
	.size	cfunc._ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx, .Lfunc_end2-cfunc._ZN7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx
	.cfi_endproc

	.weak	_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE
	.p2align	4
	.type	_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE,@function
_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE:
	.cfi_startproc
	pushq	%rbp
	.cfi_def_cfa_offset 16
	pushq	%r15
	.cfi_def_cfa_offset 24
	pushq	%r14
	.cfi_def_cfa_offset 32
	pushq	%r13
	.cfi_def_cfa_offset 40
	pushq	%r12
	.cfi_def_cfa_offset 48
	pushq	%rbx
	.cfi_def_cfa_offset 56
	pushq	%rax
	.cfi_def_cfa_offset 64
	.cfi_offset %rbx, -56
	.cfi_offset %r12, -48
	.cfi_offset %r13, -40
	.cfi_offset %r14, -32
	.cfi_offset %r15, -24
	.cfi_offset %rbp, -16
	movq	64(%rsp), %r15
	movabsq	$NRT_incref, %rax
	movq	%rdi, %rbx
	movq	%rcx, %rdi
	movq	%rcx, %r12
	movq	%rdx, %rbp
	movq	%rsi, %r13
	callq	*%rax
	testq	%r15, %r15
	je	.LBB3_1
	movq	%r15, %rax
	shrq	$32, %rax
	movq	%r15, %rcx
	testq	%rax, %rax
	je	.LBB3_10
	je	.LBB3_10
	je	.LBB3_10
	movl	$64, %eax
	xorl	%edx, %edx
	idivq	%rcx
	movq	%rax, %r15
	jmp	.LBB3_14
.LBB3_10:
	movl	$64, %eax
	xorl	%edx, %edx
	divl	%ecx
	movl	%eax, %r15d
.LBB3_14:
	testq	%rcx, %rcx
	sets	%al
	testq	%rdx, %rdx
	setne	%cl
	andb	%al, %cl
	movzbl	%cl, %eax
	subq	%rax, %r15
	addq	%rbp, %r15
	js	.LBB3_3
.LBB3_5:
	movq	%r15, %rax
	shrq	$61, %rax
	jne	.LBB3_6
	leaq	(,%r15,4), %rdi
	movabsq	$NRT_MemInfo_alloc_aligned, %rax
	movl	$32, %esi
	callq	*%rax
	testq	%rax, %rax
	je	.LBB3_8
	movq	24(%rax), %r13
	movq	%rax, %r14
	movabsq	$NRT_decref, %rax
	movq	%r12, %rdi
	callq	*%rax
	movq	64(%rsp), %rdi
	testq	%rdi, %rdi
	je	.LBB3_16
	movl	%r13d, %eax
	negl	%eax
	movq	%rdi, %rcx
	shrq	$32, %rcx
	andl	$63, %eax
	testq	%rcx, %rcx
	je	.LBB3_18
	je	.LBB3_18
	je	.LBB3_18
	xorl	%edx, %edx
	idivq	%rdi
	jmp	.LBB3_22
.LBB3_18:
	xorl	%edx, %edx
	divl	%edi
.LBB3_22:
	testq	%rdi, %rdi
	sets	%cl
	testq	%rdx, %rdx
	setne	%dl
	andb	%cl, %dl
	movzbl	%dl, %ecx
	subq	%rcx, %rax
	movq	%rax, %rcx
	sarq	$63, %rcx
	addq	%rax, %rbp
	andq	%r15, %rcx
	addq	%rax, %rcx
	movq	%rcx, %rax
	sarq	$63, %rax
	andnq	%rcx, %rax, %rax
	cmpq	%r15, %rcx
	jge	.LBB3_24
.LBB3_25:
	movq	%rbp, %rdx
	sarq	$63, %rdx
	andq	%r15, %rdx
	addq	%rbp, %rdx
	movq	%rdx, %rcx
	js	.LBB3_26
	cmpq	%r15, %rdx
	jge	.LBB3_30
.LBB3_28:
	subq	%rax, %rcx
	leaq	(%r13,%rax,4), %rax
	movq	%r14, (%rbx)
	movq	$0, 8(%rbx)
	movq	%rcx, %rdx
	sarq	$63, %rdx
	andnq	%rcx, %rdx, %rcx
	movq	%rcx, 16(%rbx)
	movq	$4, 24(%rbx)
	movq	%rax, 32(%rbx)
	movq	%rcx, 40(%rbx)
	xorl	%eax, %eax
	movq	$4, 48(%rbx)
.LBB3_29:
	addq	$8, %rsp
	.cfi_def_cfa_offset 56
	popq	%rbx
	.cfi_def_cfa_offset 48
	popq	%r12
	.cfi_def_cfa_offset 40
	popq	%r13
	.cfi_def_cfa_offset 32
	popq	%r14
	.cfi_def_cfa_offset 24
	popq	%r15
	.cfi_def_cfa_offset 16
	popq	%rbp
	.cfi_def_cfa_offset 8
	retq
.LBB3_1:
	.cfi_def_cfa_offset 64
	xorl	%r15d, %r15d
	addq	%rbp, %r15
	jns	.LBB3_5
.LBB3_3:
	movabsq	$.const.picklebuf.331b8563bdb9dac81b38422273052c486fc1706b, %rax
	jmp	.LBB3_4
.LBB3_6:
	movabsq	$.const.picklebuf.58e14eccb507b1e0206981740223e685cb8c3c57, %rax
	jmp	.LBB3_4
.LBB3_8:
	movabsq	$.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209, %rax
.LBB3_4:
	movq	%rax, (%r13)
	movl	$1, %eax
	jmp	.LBB3_29
.LBB3_16:
	xorl	%ecx, %ecx
	xorl	%eax, %eax
	cmpq	%r15, %rcx
	jl	.LBB3_25
.LBB3_24:
	movq	%r15, %rax
	jmp	.LBB3_25
.LBB3_26:
	xorl	%ecx, %ecx
	cmpq	%r15, %rdx
	jl	.LBB3_28
.LBB3_30:
	movq	%r15, %rcx
	jmp	.LBB3_28
.Lfunc_end3:
	.size	_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE, .Lfunc_end3-_ZN7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE
	.cfi_endproc

	.weak	NRT_incref
	.p2align	4
	.type	NRT_incref,@function
NRT_incref:
	testq	%rdi, %rdi
	je	.LBB4_2
	lock		incq	(%rdi)
.LBB4_2:
	retq
.Lfunc_end4:
	.size	NRT_incref, .Lfunc_end4-NRT_incref

	.weak	NRT_decref
	.p2align	4
	.type	NRT_decref,@function
NRT_decref:
	.cfi_startproc
	testq	%rdi, %rdi
	je	.LBB5_2
	#MEMBARRIER
	lock		decq	(%rdi)
	je	.LBB5_3
.LBB5_2:
	retq
.LBB5_3:
	movabsq	$NRT_MemInfo_call_dtor, %rax
	#MEMBARRIER
	jmpq	*%rax
.Lfunc_end5:
	.size	NRT_decref, .Lfunc_end5-NRT_decref
	.cfi_endproc

	.type	.const.descend_along_product,@object
	.section	.lrodata,"al",@progbits
	.p2align	4, 0x0
.const.descend_along_product:
	.asciz	"descend_along_product"
	.size	.const.descend_along_product, 22

	.type	_ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx,@object
	.comm	_ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx,8,8
	.type	".const.missing Environment: _ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx",@object
	.p2align	4, 0x0
".const.missing Environment: _ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx":
	.asciz	"missing Environment: _ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx"
	.size	".const.missing Environment: _ZN08NumbaEnv7kernels8products21descend_along_productB2v1B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedE5ArrayIiLi1E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEdddxx", 370

	.type	".const.can't unbox array from PyObject into native value.  The object maybe of a different type",@object
	.p2align	4, 0x0
".const.can't unbox array from PyObject into native value.  The object maybe of a different type":
	.asciz	"can't unbox array from PyObject into native value.  The object maybe of a different type"
	.size	".const.can't unbox array from PyObject into native value.  The object maybe of a different type", 89

	.type	".const.Error creating Python tuple from runtime exception arguments",@object
	.p2align	4, 0x0
".const.Error creating Python tuple from runtime exception arguments":
	.asciz	"Error creating Python tuple from runtime exception arguments"
	.size	".const.Error creating Python tuple from runtime exception arguments", 61

	.type	".const.Error creating Python tuple from runtime exception arguments.1",@object
	.p2align	4, 0x0
".const.Error creating Python tuple from runtime exception arguments.1":
	.asciz	"Error creating Python tuple from runtime exception arguments"
	.size	".const.Error creating Python tuple from runtime exception arguments.1", 61

	.type	".const.<numba.core.cpu.CPUContext>",@object
	.p2align	4, 0x0
".const.<numba.core.cpu.CPUContext>":
	.asciz	"<numba.core.cpu.CPUContext>"
	.size	".const.<numba.core.cpu.CPUContext>", 28

	.type	_ZN08NumbaEnv7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE,@object
	.comm	_ZN08NumbaEnv7kernels8products8_alignedB2v4B96c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDOcimHlICQwsogkAEx5ArrayIfLi2E1C7mutable7alignedE,8,8
	.type	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_empty12_3clocals_3e4implB2v5B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_empty12_3clocals_3e4implB2v5B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,8,8
	.type	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b,@object
	.p2align	4, 0x0
.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b:
	.ascii	"\200\004\225B\000\000\000\000\000\000\000\214\bbuiltins\224\214\nValueError\224\223\224\214\037negative dimensions not allowed\224\205\224N\207\224."
	.size	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b, 77

	.type	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b.sha1,@object
	.p2align	4, 0x0
.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b.sha1:
	.ascii	"3\033\205c\275\271\332\310\0338B\"s\005,Ho\301pk"
	.size	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b.sha1, 20

	.type	.const.picklebuf.331b8563bdb9dac81b38422273052c486fc1706b,@object
	.p2align	4, 0x0
.const.picklebuf.331b8563bdb9dac81b38422273052c486fc1706b:
	.quad	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b
	.long	77
	.zero	4
	.quad	.const.pickledata.331b8563bdb9dac81b38422273052c486fc1706b.sha1
	.quad	0
	.long	0
	.zero	4
	.size	.const.picklebuf.331b8563bdb9dac81b38422273052c486fc1706b, 40

	.type	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57,@object
	.p2align	4, 0x0
.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57:
	.ascii	"\200\004\225~\000\000\000\000\000\000\000\214\bbuiltins\224\214\nValueError\224\223\224\214[array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.\224\205\224N\207\224."
	.size	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57, 137

	.type	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57.sha1,@object
	.p2align	4, 0x0
.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57.sha1:
	.ascii	"X\341N\314\265\007\261\340 i\201t\002#\346\205\313\214<W"
	.size	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57.sha1, 20

	.type	.const.picklebuf.58e14eccb507b1e0206981740223e685cb8c3c57,@object
	.p2align	4, 0x0
.const.picklebuf.58e14eccb507b1e0206981740223e685cb8c3c57:
	.quad	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57
	.long	137
	.zero	4
	.quad	.const.pickledata.58e14eccb507b1e0206981740223e685cb8c3c57.sha1
	.quad	0
	.long	0
	.zero	4
	.size	.const.picklebuf.58e14eccb507b1e0206981740223e685cb8c3c57, 40

	.type	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209,@object
	.p2align	4, 0x0
.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209:
	.ascii	"\200\004\225K\000\000\000\000\000\000\000\214\bbuiltins\224\214\013MemoryError\224\223\224\214'Allocation failed (probably too large).\224\205\224N\207\224."
	.size	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209, 86

	.type	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1,@object
	.p2align	4, 0x0
.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1:
	.ascii	"\272(\235\201\360\\p \363G|\025sH\004\337e\253\342\t"
	.size	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1, 20

	.type	.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209,@object
	.p2align	4, 0x0
.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209:
	.quad	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209
	.long	86
	.zero	4
	.quad	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1
	.quad	0
	.long	0
	.zero	4
	.size	.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209, 40

	.type	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_zeros12_3clocals_3e4implB2v8B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_zeros12_3clocals_3e4implB2v8B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,8,8
	.type	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_empty12_3clocals_3e4implB2v9B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj11ol_np_empty12_3clocals_3e4implB2v9B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dEx18dtype_28float32_29,8,8
	.type	_ZN08NumbaEnv5numba2np8arrayobj15_call_allocatorB2v6B42c8tJTC_2fWQA93W1AaAIYBPIqRBFCjDSZRVAJmaQIAEN29typeref_5b_3cclass_20_27numba4core5types8npytypes14Array_27_3e_5dExj,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj15_call_allocatorB2v6B42c8tJTC_2fWQA93W1AaAIYBPIqRBFCjDSZRVAJmaQIAEN29typeref_5b_3cclass_20_27numba4core5types8npytypes14Array_27_3e_5dExj,8,8
	.type	_ZN08NumbaEnv5numba2np8arrayobj18_ol_array_allocate12_3clocals_3e4implB2v7B42c8tJTIeFIjxB2IKSgI4CrvQClcaMQ5hEEUSJJgA_3dEN29typeref_5b_3cclass_20_27numba4core5types8npytypes14Array_27_3e_5dExj,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj18_ol_array_allocate12_3clocals_3e4implB2v7B42c8tJTIeFIjxB2IKSgI4CrvQClcaMQ5hEEUSJJgA_3dEN29typeref_5b_3cclass_20_27numba4core5types8npytypes14Array_27_3e_5dExj,8,8
	.type	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.18,@object
	.p2align	4, 0x0
.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.18:
	.ascii	"\200\004\225K\000\000\000\000\000\000\000\214\bbuiltins\224\214\013MemoryError\224\223\224\214'Allocation failed (probably too large).\224\205\224N\207\224."
	.size	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.18, 86

	.type	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1.19,@object
	.p2align	4, 0x0
.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1.19:
	.ascii	"\272(\235\201\360\\p \363G|\025sH\004\337e\253\342\t"
	.size	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1.19, 20

	.type	.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209.11,@object
	.p2align	4, 0x0
.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209.11:
	.quad	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.18
	.long	86
	.zero	4
	.quad	.const.pickledata.ba289d81f05c7020f3477c15734804df65abe209.sha1.19
	.quad	0
	.long	0
	.zero	4
	.size	.const.picklebuf.ba289d81f05c7020f3477c15734804df65abe209.11, 40

	.type	_ZN08NumbaEnv5numba2np8arrayobj18ol_array_zero_fill12_3clocals_3e4implB3v10B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dE5ArrayIfLi1E1C7mutable7alignedE,@object
	.comm	_ZN08NumbaEnv5numba2np8arrayobj18ol_array_zero_fill12_3clocals_3e4implB3v10B104c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJDGeMlAA1HhiSYJYmAA_3d_3dE5ArrayIfLi1E1C7mutable7alignedE,8,8
	.type	_ZN08NumbaEnv7kernels8products5_packB3v11B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE23Literal_5bint_5d_280_29xx5ArrayIfLi1E1C7mutable7alignedE,@object
	.comm	_ZN08NumbaEnv7kernels8products5_packB3v11B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE23Literal_5bint_5d_280_29xx5ArrayIfLi1E1C7mutable7alignedE,8,8
	.type	_ZN08NumbaEnv7kernels8products15_all_are_activeB3v90B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIiLi1E1C7mutable7alignedExx,@object
	.comm	_ZN08NumbaEnv7kernels8products15_all_are_activeB3v90B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIiLi1E1C7mutable7alignedExx,8,8
	.type	_ZN08NumbaEnv5numba7cpython8builtins6ol_min12_3clocals_3e4implB3v22B108c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzMdMGTKIIYrUmAA_3d_3dE15StarArgUniTupleIxLi2EE,@object
	.comm	_ZN08NumbaEnv5numba7cpython8builtins6ol_min12_3clocals_3e4implB3v22B108c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzMdMGTKIIYrUmAA_3d_3dE15StarArgUniTupleIxLi2EE,8,8
	.type	_ZN08NumbaEnv7kernels8products21_descend_in_four_rowsB3v92B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE28Vector_28float32_2c_20256_295ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE8UniTupleIfLi3EExx,@object
	.comm	_ZN08NumbaEnv7kernels8products21_descend_in_four_rowsB3v92B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi1E1C7mutable7alignedE28Vector_28float32_2c_20256_295ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedE8UniTupleIfLi3EExx,8,8
	.type	_ZN08NumbaEnv7kernels8products11_add_listedB3v75B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedExi5ArrayIfLi1E1C7mutable7alignedE28Vector_28float32_2c_20256_29,@object
	.comm	_ZN08NumbaEnv7kernels8products11_add_listedB3v75B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE5ArrayIfLi2E1C7mutable7alignedE5ArrayIiLi2E1C7mutable7alignedExi5ArrayIfLi1E1C7mutable7alignedE28Vector_28float32_2c_20256_29,8,8
	.type	_ZN08NumbaEnv7kernels8products8_descendB3v39B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE28Vector_28float32_2c_20256_295ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEx8UniTupleIfLi3EE,@object
	.comm	_ZN08NumbaEnv7kernels8products8_descendB3v39B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dE28Vector_28float32_2c_20256_295ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedEx8UniTupleIfLi3EE,8,8
	.type	_ZN08NumbaEnv7kernels8products22_descend_in_one_numberB3v88B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dEf5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedExx8UniTupleIfLi3EE,@object
	.comm	_ZN08NumbaEnv7kernels8products22_descend_in_one_numberB3v88B106c8tJTIeFIjxB2IKSgI4CrvQCk0Z4yRYcWsCAgXrKFt1X1erJ_2bXklRYnJJeo6CupFwIRUnJ_2bsXqsJ1IJIGVBzgUEIZSElObCIJgA_3dEf5ArrayIfLi2E1C7mutable7alignedE5ArrayIfLi2E1C7mutable7alignedExx8UniTupleIfLi3EE,8,8
	.section	".note.GNU-stack","",@progbits
