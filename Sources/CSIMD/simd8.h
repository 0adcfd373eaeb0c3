// Helpers for eight floats. Swift scalarises .addingProduct, .squareRoot() and horizontal operations on SIMD8<Float>. These
// are imported with SIMD8<Float> and compile to one or a few instructions each.
#ifndef HAT_SIMD8_H
#define HAT_SIMD8_H
#include <cpuid.h>
#include <immintrin.h>

typedef float hat_float8 __attribute__((ext_vector_type(8)));
typedef double hat_double4 __attribute__((ext_vector_type(4)));
#define HAT_INLINE static inline __attribute__((always_inline))

/// a·b + c, rounded once.
HAT_INLINE hat_float8 hat_fma(hat_float8 a, hat_float8 b, hat_float8 c) {
  return (hat_float8)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
HAT_INLINE hat_float8 hat_sqrt(hat_float8 a) { return (hat_float8)_mm256_sqrt_ps((__m256)a); }
/// The second operand where either is NaN.
HAT_INLINE hat_float8 hat_min(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_min_ps((__m256)a, (__m256)b);
}
/// The second operand where either is NaN.
HAT_INLINE hat_float8 hat_max(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_max_ps((__m256)a, (__m256)b);
}

HAT_INLINE hat_float8 hat_load(const float *p) { return (hat_float8)_mm256_loadu_ps(p); }
HAT_INLINE void hat_store(float *p, hat_float8 a) { _mm256_storeu_ps(p, (__m256)a); }

/// Copies 32 floats.
HAT_INLINE void hat_copy32(const float *source, float *destination) {
  for (int i = 0; i < 32; i += 8) _mm256_storeu_ps(destination + i, _mm256_loadu_ps(source + i));
}

/// All bits set in the first `count` lanes.
HAT_INLINE __m256i hat_first_lanes(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
/// The first `count` floats at p, then zeros. Memory behind those floats is not touched.
HAT_INLINE hat_float8 hat_load_first(const float *p, int count) {
  return (hat_float8)_mm256_maskload_ps(p, hat_first_lanes(count));
}
HAT_INLINE void hat_store_first(float *p, hat_float8 a, int count) {
  _mm256_maskstore_ps(p, hat_first_lanes(count), (__m256)a);
}
/// The first `count` lanes of a, `fill` in the others.
HAT_INLINE hat_float8 hat_keep_first(hat_float8 a, int count, hat_float8 fill) {
  return (hat_float8)_mm256_blendv_ps((__m256)fill, (__m256)a, (__m256)hat_first_lanes(count));
}
/// a where test is not below limit, and zero where it is.
HAT_INLINE hat_float8 hat_zero_where_below(hat_float8 a, hat_float8 test, hat_float8 limit) {
  return (hat_float8)_mm256_andnot_ps(_mm256_cmp_ps((__m256)test, (__m256)limit, _CMP_LT_OQ), (__m256)a);
}

/// The sum of all lanes, in a fixed order.
HAT_INLINE float hat_sum(hat_float8 a) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128((__m256)a), _mm256_extractf128_ps((__m256)a, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
/// The largest of all lanes.
HAT_INLINE float hat_largest(hat_float8 a) {
  __m128 s = _mm_max_ps(_mm256_castps256_ps128((__m256)a), _mm256_extractf128_ps((__m256)a, 1));
  s = _mm_max_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_max_ss(s, _mm_movehdup_ps(s)));
}
/// Lane k of the result is the sum of the lanes of argument k; all are summed in the same order.
HAT_INLINE hat_float8 hat_sums(
    hat_float8 a0, hat_float8 a1, hat_float8 a2, hat_float8 a3, hat_float8 a4, hat_float8 a5,
    hat_float8 a6, hat_float8 a7) {
  __m256 low = _mm256_hadd_ps(
      _mm256_hadd_ps((__m256)a0, (__m256)a1), _mm256_hadd_ps((__m256)a2, (__m256)a3));
  __m256 high = _mm256_hadd_ps(
      _mm256_hadd_ps((__m256)a4, (__m256)a5), _mm256_hadd_ps((__m256)a6, (__m256)a7));
  return (hat_float8)_mm256_add_ps(
      _mm256_permute2f128_ps(low, high, 0x20), _mm256_permute2f128_ps(low, high, 0x31));
}
/// Lanes 0–3 of a, then lanes 0–3 of b.
HAT_INLINE hat_float8 hat_low_halves(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x20);
}
/// Lanes 4–7 of a, then lanes 4–7 of b.
HAT_INLINE hat_float8 hat_high_halves(hat_float8 a, hat_float8 b) {
  return (hat_float8)_mm256_permute2f128_ps((__m256)a, (__m256)b, 0x31);
}

/// The transpose of eight rows of eight floats, `stride` floats apart.
HAT_INLINE void hat_transpose(const float *source, long stride, float *destination, long destination_stride) {
  __m256 row[8], pair[8];
  for (int i = 0; i < 8; i++) row[i] = _mm256_loadu_ps(source + i * stride);
  for (int i = 0; i < 8; i += 2) {
    pair[i] = _mm256_unpacklo_ps(row[i], row[i + 1]);
    pair[i + 1] = _mm256_unpackhi_ps(row[i], row[i + 1]);
  }
  for (int i = 0; i < 8; i += 4) {
    row[i] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0x44);
    row[i + 1] = _mm256_shuffle_ps(pair[i], pair[i + 2], 0xEE);
    row[i + 2] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0x44);
    row[i + 3] = _mm256_shuffle_ps(pair[i + 1], pair[i + 3], 0xEE);
  }
  for (int i = 0; i < 4; i++) {
    _mm256_storeu_ps(destination + i * destination_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x20));
    _mm256_storeu_ps(
        destination + (i + 4) * destination_stride, _mm256_permute2f128_ps(row[i], row[i + 4], 0x31));
  }
}

HAT_INLINE hat_double4 hat_low_doubles(hat_float8 a) {
  return (hat_double4)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)a));
}
HAT_INLINE hat_double4 hat_high_doubles(hat_float8 a) {
  return (hat_double4)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)a, 1));
}

/// Has the processor fetch the lines of `count` floats at p, which are read soon.
HAT_INLINE void hat_prefetch(const float *p, long count) {
  for (long i = 0; i < count; i += 16) _mm_prefetch((const char *)(p + i), _MM_HINT_T0);
}

/// Tells the processor that this thread is waiting in a loop.
HAT_INLINE void hat_pause(void) { _mm_pause(); }

enum { HAT_HAS_AVX = 1, HAT_HAS_AVX2 = 2, HAT_HAS_FMA = 4 };

/// Which of the HAT_HAS_ features the processor has and the operating system lets programs use.
static inline int hat_processor_features(void) {
  unsigned a, b, c, d;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return 0;
  unsigned state, high;
  __asm__ volatile("xgetbv" : "=a"(state), "=d"(high) : "c"(0));
  if ((state & 6) != 6) return 0;
  int features = (c & bit_AVX ? HAT_HAS_AVX : 0) | (c & bit_FMA ? HAT_HAS_FMA : 0);
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_AVX2)) features |= HAT_HAS_AVX2;
  return features;
}
#endif
