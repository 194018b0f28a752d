"""Small matrix products inside compiled code: SciPy's sgemm, called without Python.

Numba's own `numpy.dot` reaches the same routine but can neither add to its result nor read a slice in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import get_cython_function_address, intrinsic
from numpy.typing import NDArray

from study.training.loops.jit import compiled

Array = NDArray[np.float32]

# An argument of the compiled functions and not a constant in them: they are cached, it changes by process.
SGEMM: Final[int] = get_cython_function_address("scipy.linalg.cython_blas", "sgemm")
"""Address of the routine in this process."""

OVERWRITE: Final = np.float32(0)
ADD: Final = np.float32(1)
"""What `multiply` keeps of its result: of one type each, since Numba compiles a function for each."""

_CHAR, _INT, _FLOAT = ir.IntType(8), ir.IntType(32), ir.FloatType()
_SIGNATURE = ir.FunctionType(
    ir.VoidType(),
    [
        *[_CHAR.as_pointer()] * 2,  # transa, transb
        *[_INT.as_pointer()] * 3,  # m, n, k
        *[_FLOAT.as_pointer()] * 2,  # alpha, a
        _INT.as_pointer(),  # lda
        _FLOAT.as_pointer(),  # b
        _INT.as_pointer(),  # ldb
        *[_FLOAT.as_pointer()] * 2,  # beta, c
        _INT.as_pointer(),  # ldc
    ],
)


@intrinsic  # type: ignore[untyped-decorator]
def _call_sgemm(
    _: Any,
    sgemm: Any,
    transposes_b: Any,
    m: Any,
    n: Any,
    k: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    beta: Any,
    c: Any,
    ldc: Any,
) -> tuple[Any, Callable[..., Any]]:
    integer, number = types.int64, types.float32
    signature = types.void(
        integer, types.boolean, *[integer] * 7, number, *[integer] * 2
    )  # arrays by the address of their data

    def generate(context: Any, builder: Any, _: Any, arguments: Any) -> Any:
        sgemm, transposes_b, m, n, k, a, lda, b, ldb, beta, c, ldc = arguments

        def reference(value: Any) -> Any:
            return cgutils.alloca_once_value(builder, value)

        def dimension(value: Any) -> Any:
            return reference(builder.trunc(value, _INT))

        def data(value: Any) -> Any:
            return builder.inttoptr(value, _FLOAT.as_pointer())

        no, yes = ir.Constant(_CHAR, ord("N")), ir.Constant(_CHAR, ord("T"))
        flag = builder.select(cgutils.as_bool_bit(builder, transposes_b), yes, no)
        builder.call(
            builder.inttoptr(sgemm, _SIGNATURE.as_pointer()),
            [
                reference(no),
                reference(flag),
                *map(dimension, (m, n, k)),
                reference(ir.Constant(_FLOAT, 1.0)),
                data(a),
                dimension(lda),
                data(b),
                dimension(ldb),
                reference(beta),
                data(c),
                dimension(ldc),
            ],
        )
        return context.get_dummy_value()

    return signature, generate


@compiled
def _leading_dimension(matrix: Array) -> int:
    # NumPy may give an axis of length 1 any stride; BLAS takes none below the length of a row.
    return int(max(matrix.strides[0] // 4, matrix.shape[1]))


@compiled
def multiply(sgemm: int, a: Array, b: Array, keep: np.float32, c: Array) -> None:
    """Computes c <- a @ b + keep * c.

    Args:
        sgemm: SGEMM.
        a: (m, k); here and below the last axis is contiguous, the first may be strided.
        b: (k, n).
        keep: OVERWRITE, or ADD to c.
        c: (m, n).
    """
    # BLAS counts by columns: it sees the transposes of all three, and so computes c.T = b.T @ a.T.
    _call_sgemm(
        sgemm,
        False,
        b.shape[1],
        a.shape[0],
        a.shape[1],
        b.ctypes.data,
        _leading_dimension(b),
        a.ctypes.data,
        _leading_dimension(a),
        keep,
        c.ctypes.data,
        _leading_dimension(c),
    )


@compiled
def add_inner_product(sgemm: int, a: Array, b: Array, c: Array) -> None:
    """Adds a.T @ b to c.

    Args:
        sgemm: SGEMM.
        a: (k, m).
        b: (k, n).
        c: (m, n).
    """
    _call_sgemm(
        sgemm,
        True,
        b.shape[1],
        a.shape[1],
        a.shape[0],
        b.ctypes.data,
        _leading_dimension(b),
        a.ctypes.data,
        _leading_dimension(a),
        ADD,
        c.ctypes.data,
        _leading_dimension(c),
    )


@compiled
def multiply_columns(sgemm: int, a: Array, b: Array, keep: np.float32, part: int, c: Array) -> None:
    """Computes what `multiply` does, `part` columns of b and c by each product."""
    for first in range(0, b.shape[1], part):
        multiply(sgemm, a, b[:, first : first + part], keep, c[:, first : first + part])


@compiled
def multiply_rows(sgemm: int, a: Array, b: Array, keep: np.float32, part: int, c: Array) -> None:
    """Computes what `multiply` does, `part` columns of a and rows of b by each product."""
    for first in range(0, b.shape[0], part):
        multiply(sgemm, a[:, first : first + part], b[first : first + part], keep if first == 0 else ADD, c)


@compiled
def add_inner_product_columns(sgemm: int, a: Array, b: Array, part: int, c: Array) -> None:
    """Computes what `add_inner_product` does, `part` columns of b and c by each product."""
    for first in range(0, b.shape[1], part):
        add_inner_product(sgemm, a, b[:, first : first + part], c[:, first : first + part])
