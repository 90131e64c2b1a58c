"""Networks, datasets and recipes; a new recipe in ``CPU`` gives every semi-supervised method configs for it."""

from dataclasses import replace

from .rows import Code, Data, Network, Recipe

DINOV2 = dict(custom_imports=dict(imports=['mmseg_ssl', 'mmpretrain.models']))
NETWORKS = {
    'mbv2': Network('deeplabv3plus_mbv2-d16', 'MobileNetV2', padded=False),
    'mbv2-frozen': Network('deeplabv3plus_mbv2-d16_frozen', 'MobileNetV2, frozen', padded=False),
    'unet': Network('unet_tiny', 'small U-Net', padded=False),
    'r50': Network('deeplabv3plus_r50-d16', 'R-50'),
    'r101': Network('deeplabv3plus_r101-d16', 'R-101'),
    'r50-plain': Network('deeplabv3plus_r50-d16_plain', 'R-50, plain head'),
    'r50-d8': Network('deeplabv3plus_r50-d8', 'R-50'),  # in a file's name: what stands before the hyphen
    'r101-d8': Network('deeplabv3plus_r101-d8', 'R-101'),
    'dinov2s': Network('dpt_dinov2-s', 'DINOv2-S, DPT', leaf=DINOV2),
    'dinov2b': Network('dpt_dinov2-b', 'DINOv2-B, DPT', leaf=DINOV2),
    'deeplabv2': Network('deeplabv2_r101-d8', 'DeepLabV2, R-101'),
    'vgg16': Network('deeplab_vgg16-d8', 'DeepLab, VGG-16'),
    'dinov3s': Network('dpt_dinov3-s', 'DINOv3-S, DPT'),
    'convnextt': Network('upernet_timm-convnext-t', 'ConvNeXt-T (timm), UPerNet'),
    'vit': Network('vit-b16_linear', 'ViT-B/16, linear'),
}
CAMVID, VOC = ('8', '1-16', '1-8', '1-4'), 'Pascal VOC 2012 + Aug'
CPS_LISTS = ('1-16', '1-8', '1-4', '1-2')
SHARES = ('share-0.5', 'share-0.2', 'share-0.1')
LENGTHS = ('length-1', 'length-0.8', 'length-0.5', 'length-0.3', 'length-0')


def scribbles(title: str, training: str, folder: str, lists: tuple) -> Data:
    """Make a dataset whose masks lie in another folder for each amount of scribbles; its base has the first."""
    select = dict(dataset=dict(labeled=dict(data_prefix=dict(seg_map_path='{file}'))))
    return Data(title, training, lists, folder, select=select, base_list=lists[0])


DATA = {
    'camvid': Data('CamVid, 240x180', 'CamVid', CAMVID, 'camvid/{list}_draw0.txt', full='camvid/train.txt'),
    'camvid-480x360': Data('CamVid, 480x360', 'CamVid', CAMVID, 'camvid/{list}_draw0.txt', full='camvid/train.txt'),
    'msrc21': Data('MSRC-21, 216x144', 'MSRC-21', ('20', '40'), 'msrc21/{list}_draw0.txt', full='msrc21/train.txt'),
    'cityscapes': Data('Cityscapes, CPS', 'Cityscapes', CPS_LISTS, 'cityscapes/cps/{list}.txt'),
    'cityscapes-eln': Data(
        'Cityscapes, ELN',
        'Cityscapes',
        ('1-8', '1-4', '1-2'),
        'cityscapes/eln/{list}_draw0.txt',
        full='cityscapes/train.txt',
    ),
    'voc': Data('VOC, CPS', VOC, CPS_LISTS, 'voc/cps/{list}.txt'),
    'voc-classic': Data('VOC, classic', VOC, ('92', '183', '366', '732', '1464'), 'voc/classic/{list}.txt'),
    'voc-u2pl': Data('VOC, U2PL', VOC, ('662', '1323', '2646', '5291'), 'voc/u2pl/{list}.txt'),
    'voc-eln': Data('VOC, ELN', VOC, ('1-20', '1-8', '1-4'), 'voc/eln/{list}_draw0.txt', full='voc/trainaug.txt'),
    'ade20k': Data(
        'ADE20K', 'ADE20K', ('1-64', '1-32', '1-16', '1-8'), 'ade20k/{list}_draw0.txt', full='ade20k/train.txt'
    ),
    'shapes': Data('shapes (drawn)', '', ('8',), 'shapes/{list}_draw0.txt'),
    'camvid-scribble': scribbles('CamVid, scribbles', 'CamVid (scribbles)', 'camvid_scribbles/{list}', LENGTHS),
    'camvid-scribble-semi': Data(
        'CamVid, scribbles and images', 'CamVid (scribbles)', CAMVID, 'camvid/{list}_draw0.txt'
    ),
    'msrc21-scribble': scribbles('MSRC-21, scribbles', 'MSRC-21 (scribbles)', 'msrc21_scribbles/{list}', LENGTHS[:1]),
    'msrc21-scribble-semi': Data(
        'MSRC-21, scribbles and images', 'MSRC-21 (scribbles)', ('20', '40'), 'msrc21/{list}_draw0.txt'
    ),
    'voc-scribble': scribbles('VOC, scribbles', f'{VOC} (scribbles)', 'pascal_2012_scribble_{list}', LENGTHS),
    'cityscapes-block': scribbles('Cityscapes, blocks', 'Cityscapes (blocks)', 'cityscapes_blocks/{list}', SHARES),
    'ade20k-block': scribbles('ADE20K, blocks', 'ADE20K (blocks)', 'ade_blocks/{list}', SHARES),
}

MBV2_R101, EARLIER = ('mbv2', 'r101'), ('deeplabv2', 'vgg16')
WITH_EARLIER = (*MBV2_R101, *EARLIER)
SMALL, FROZEN, LARGE = ('mbv2',), ('mbv2-frozen',), ('r50', 'r101')
# Short enough for two CPU cores: every semi-supervised method.
CPU = (
    Recipe('camvid', 'camvid_semi_240x180', 'adamw_poly_camvid_cpu', 4, SMALL, group='cpu'),
    Recipe('msrc21', 'msrc21_semi_216x144', 'adamw_poly_msrc21_cpu', 4, FROZEN, group='cpu'),
)
CAMVID_10K = Recipe('camvid-480x360', 'camvid_semi', 'sgd_poly_camvid_10k', 8, SMALL)
SHAPES = Recipe('shapes', 'shapes_semi', 'sgd_poly_shapes', 4, ('unet',))
ALL_UNLABELED = dict(train_dataloader=dict(dataset=dict(unlabeled=dict(exclude=''))))

# CPCL and DUEB; supervised training and mean teacher beside them.
CITYSCAPES = Recipe('cityscapes', 'cityscapes_semi', 'sgd_poly_cityscapes', 16, LARGE, '{list}')
VOC_CPS = Recipe('voc', 'voc_semi', 'sgd_poly_voc', 8, LARGE, '{list}')
VOC_CLASSIC = Recipe('voc-classic', 'voc_semi', 'sgd_poly_voc', 8, LARGE, 'classic', leaf=ALL_UNLABELED)
# supervised training alone has U2PL's lists, for the methods with other recipes
VOC_U2PL = Recipe('voc-u2pl', 'voc_semi', 'sgd_poly_voc', 8, LARGE, '{list}')
# CPS: four times the rate on Cityscapes, twice the batch on VOC.
OF_CPS = (
    Recipe('cityscapes', 'cityscapes_semi', 'sgd_poly_cityscapes_cps', 16, LARGE, '{list}'),
    Recipe('voc', 'voc_semi', 'sgd_poly_voc_cps', 16, LARGE, '{list}'),
    Recipe('voc-classic', 'voc_semi', 'sgd_poly_voc_cps', 16, LARGE, 'classic', leaf=ALL_UNLABELED),
    Recipe('voc-u2pl', 'voc_semi', 'sgd_poly_voc_cps', 16, LARGE, '{list}'),
)
# UniMatch V1, its FixMatch, and V2 on ResNets.
OF_UNIMATCH = (
    Recipe('cityscapes', 'cityscapes_semi_801', 'sgd_poly_cityscapes_unimatch', 8, LARGE, '{list}'),
    Recipe('voc', 'voc_semi_321', 'sgd_poly_voc_unimatch', 8, LARGE, '{list}', 'voc-all'),
    Recipe('voc-classic', 'voc_semi_321', 'sgd_poly_voc_unimatch', 8, LARGE, '{list}', 'voc-all'),
    Recipe('voc-u2pl', 'voc_semi_513', 'sgd_poly_voc_unimatch', 8, LARGE, '{list}', 'voc-all'),
)
LARGE_D8 = ('r50-d8', 'r101-d8')
OF_FARCLUSS = (
    Recipe('cityscapes', 'cityscapes_semi_801', 'sgd_farcluss_cityscapes', 16, LARGE, '{list}'),
    Recipe('voc', 'voc_semi_321', 'sgd_farcluss_voc', 16, LARGE_D8, '{list}', 'voc-all'),
    Recipe('voc-classic', 'voc_semi_321', 'sgd_farcluss_voc', 16, LARGE_D8, '{list}', 'voc-all'),
    Recipe('voc-u2pl', 'voc_semi_321', 'sgd_farcluss_voc', 16, LARGE_D8, '{list}', 'voc-all'),
)
OF_CUTMIX_SEG = (
    Recipe('cityscapes', 'cityscapes_semi_256x512', 'adam_cutmix_seg', 4, LARGE, group='paper'),
    *(
        Recipe(data, 'voc_semi_321_cutmix_seg', 'adam_cutmix_seg', 10, LARGE, group='paper')
        for data in ('voc', 'voc-classic', 'voc-u2pl')
    ),
)
VITS = ('dinov2s', 'dinov2b')
OF_UNIMATCH_V2 = (
    Recipe('cityscapes', 'cityscapes_semi_798', 'adamw_poly_cityscapes_unimatch_v2', 8, VITS, '{list}'),
    Recipe('voc-classic', 'voc_semi_518', 'adamw_poly_voc_unimatch_v2', 16, VITS, '{list}'),
)
# The same for patches of 16.
OF_UNIMATCH_V2_16 = (
    Recipe('cityscapes', 'cityscapes_semi_800', 'adamw_poly_cityscapes_unimatch_v2', 8, ('dinov3s',), '{list}'),
    Recipe('voc-classic', 'voc_semi_512_crop', 'adamw_poly_voc_unimatch_v2', 16, ('dinov3s',), '{list}'),
    Recipe('ade20k', 'ade20k_semi_512', 'adamw_poly_ade20k_unimatch_v2', 16, ('dinov3s',), '{list}'),
)
# A small student of a ViT that labels: crops of whole patches of its teacher.
VOC_TAUGHT = Recipe(
    'voc-classic', 'voc_semi_518', 'sgd_poly_voc_unimatch', 8, (), '{list}', 'voc-taught', only_variants=SMALL
)
VOC_TIMM = Recipe('voc-classic', 'voc_semi_512_crop', 'adamw_poly_voc_unimatch_v2', 16, ('convnextt',), '{list}')
OF_FARCLUSS_VIT = (
    Recipe('cityscapes', 'cityscapes_semi_798', 'adamw_poly_cityscapes_unimatch_v2', 8, ('dinov2s',), '{list}', 'vit'),
    Recipe('voc-classic', 'voc_semi_518', 'adamw_poly_voc_unimatch_v2', 16, ('dinov2s',), '{list}', 'vit'),
    Recipe('ade20k', 'ade20k_semi_518', 'adamw_poly_ade20k_unimatch_v2', 16, ('dinov2s',), '{list}', 'vit'),
)
OF_ELN = (
    Recipe('voc-eln', 'voc_semi_512', 'adamw_eln_voc', 6, LARGE, group='eln'),
    Recipe('cityscapes-eln', 'cityscapes_semi_512x1024', 'adamw_eln_cityscapes', 4, LARGE, group='eln'),
)


# also networks that are padded to a multiple of the stride elsewhere
PADDED = dict(model=dict(data_preprocessor=dict(size=Code('_base_.crop_size'))))


def scribble_recipes(networks: tuple, stages: str = '_scribble') -> tuple:
    """Return the recipes of soft self-labeling for some of its networks on VOC; blocks are for R-101 alone."""
    camvid, msrc21 = (f'adamw_poly_{data}_cpu{stages}' for data in ('camvid', 'msrc21'))
    return (
        Recipe('camvid-scribble', 'camvid_scribble_240x180', camvid, 8, SMALL, group='scribble-cpu'),
        Recipe('msrc21-scribble', 'msrc21_scribble_216x144', msrc21, 4, FROZEN, group='scribble-cpu'),
        Recipe('voc-scribble', 'voc_scribble', 'sgd_poly_scribble', 12, networks, group='scribble', leaf=PADDED),
        Recipe('cityscapes-block', 'cityscapes_block', 'sgd_poly_scribble', 12, ('r101',), 'cityscapes', 'block'),
        Recipe('ade20k-block', 'ade20k_block', 'sgd_poly_scribble', 12, ('r101',), 'ade20k', 'block'),
    )


VOC_VIT = Recipe('voc-scribble', 'voc_scribble_512', 'sgd_poly_scribble', 12, ('vit',), group='scribble-vit')
SCRIBBLE_SEMI = (
    Recipe('camvid-scribble-semi', 'camvid_scribble_semi_240x180', 'adamw_poly_camvid_cpu_scribble', 4, SMALL),
    Recipe('msrc21-scribble-semi', 'msrc21_scribble_semi_216x144', 'adamw_poly_msrc21_cpu_scribble', 4, FROZEN),
)

# The recipe of soft self-labeling with all labels, which it claims to reach.
OF_FULL_MASKS = tuple(replace(recipe, group='full') for recipe in (*scribble_recipes(WITH_EARLIER)[2:], VOC_VIT))
