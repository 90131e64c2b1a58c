"""Compile the kernels of the fused solver for a GPU that need not be there; run by test_fused_updates.py."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from mmseg_ssl.ops import fused_kernels, fused_updates

CLASSES = 32
TYPES = dict(first='*fp32', second='*fp32', prediction='*fp32', affinity='*fp32', free='*u8', energies='*fp64')
TYPES.update(state='*fp64', next_state='*fp64', num_images='i32', num_classes='i32', num_pixels='i32')
OPTIONS = dict(RELAXATION='collision_divergence', UNARY='collision', ETA=0.3, DAMPING=0.25, TOLERANCE=0.0)
OPTIONS.update(PARTS=fused_updates.PARTS, CLASSES=CLASSES, PIXELS=fused_updates.TILE // CLASSES)


def main() -> None:
    """Compile both kernels with either neighborhood for two generations of GPUs."""
    for kernel in (fused_kernels.step_kernel, fused_kernels.energy_kernel):
        for capability, edges in ((80, 2), (80, 4), (90, 2)):
            types = dict(TYPES, shifts=('i32',) * edges)
            options = dict(OPTIONS, EDGES=edges)
            signature = {name: types.get(name, 'constexpr') for name in kernel.arg_names}
            given = {(kernel.arg_names.index(name),): options[name] for name in options if name in signature}
            target = GPUTarget('cuda', capability, 32)
            compiled = triton.compile(
                ASTSource(kernel, signature, given), target=target, options=dict(num_warps=fused_updates.WARPS)
            )
            assert compiled.asm['cubin']


if __name__ == '__main__':
    main()
